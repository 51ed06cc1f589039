/** A new file for a table. The caller gives it its name once it is whole, or removes it. */
import { open } from 'node:fs/promises';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { targetFault } from '../files/output-file.ts';
import type { ByteSink, WriteOptions } from './table.ts';

export interface FileJob {
  /** File to write, and the name that errors give it. */
  readonly temporary: string;
  readonly target: string;
  /** Of Nextvec. */
  readonly version: string;
}

export interface ExportOptions {
  /** Share of the rows. */
  readonly onProgress: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

export interface WrittenFile {
  readonly rows: number;
  readonly bytes: number;
}

/** Writes `rows` rows with `write` and syncs the file. Throws CANCELLED; faults of the file system name `job.target`. */
export async function writeRows(
  { temporary, target, version }: FileJob,
  rows: number,
  { onProgress, signal }: ExportOptions,
  write: (out: ByteSink, options: WriteOptions) => Promise<void>,
): Promise<WrittenFile> {
  let done = 0;
  const onRows = (count: number): void => {
    done += count;
    onProgress(done / rows);
  };
  try {
    const file = await open(temporary, 'wx');
    try {
      const out = { write: (bytes: Uint8Array) => file.writeFile(bytes) };
      await write(out, { createdBy: `Nextvec ${version}`, signal, onRows });
      throwIfCancelled(signal, 'The export');
      await file.sync();
      return { rows, bytes: (await file.stat()).size };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw targetFault(error, target);
  }
}
