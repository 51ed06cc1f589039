/** Data files that are read to be looked at, not kept. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import type { WorkerPool } from '../../processes/worker-pool.ts';
import { readInto, type ImportInput, type ReadProgress } from './worker-import.ts';

export interface ReadFile {
  readonly passport: Passport;
  /** Of its stored form. */
  readonly folder: string;
}

interface Look {
  readonly workers: WorkerPool;
  readonly inputs: readonly ImportInput[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (path: string, progress: ReadProgress) => void;
}

/** Reads files into a temporary folder, one after the other, and removes it after `look`. Throws the errors of `readInto`. */
export async function lookAtFiles<R>(
  { workers, inputs, signal, onProgress }: Look,
  look: (files: readonly ReadFile[]) => R | Promise<R>,
): Promise<R> {
  const scratch = await mkdtemp(join(tmpdir(), 'nextvec-inspect-'));
  try {
    const files: ReadFile[] = [];
    for (const [i, input] of inputs.entries()) {
      const folder = join(scratch, String(i));
      const follow = (progress: ReadProgress): void => onProgress?.(input.path, progress);
      const reading = { workers, input, folder, signal, onProgress: follow };
      files.push(await readInto(reading, (passport) => ({ passport, folder })));
    }
    return await look(files);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
