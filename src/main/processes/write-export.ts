/** A file written by a data worker: under a temporary name until it is whole, removed where it never is. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { targetFault, temporaryBeside } from '../formats/files/output-file.ts';
import { fromWireError } from '../wire/errors.ts';
import { jobEvents } from './job-events.ts';
import type { WorkerExportEvent } from './worker-contract.ts';
import type { WorkerClient, WorkerPool } from './worker-pool.ts';

export interface ExportWork {
  readonly workers: Pick<WorkerPool, 'lease'>;
  /** Where the file is to be; its folder is made. */
  readonly path: string;
  /** Writes the file `temporary`. */
  readonly write: (client: WorkerClient, temporary: string) => Promise<AsyncIterable<WorkerExportEvent>>;
}

/** Progress, then `done` once the file is in its place. Leaving the loop or aborting cancels. Faults of the file system name `path`. */
export async function* writeExport(
  { workers, path, write }: ExportWork,
  signal?: AbortSignal,
): AsyncGenerator<WorkerExportEvent> {
  const temporary = temporaryBeside(path);
  const worker = await workers.lease(signal);
  try {
    await mkdir(dirname(path), { recursive: true });
    for await (const event of jobEvents(worker, await write(worker.client, temporary))) {
      if (event.type === 'done') await rename(temporary, path);
      yield event;
    }
  } catch (error) {
    throwIfCancelled(signal, 'The export');
    throw targetFault(fromWireError(error), path);
  } finally {
    // Also when the reader has left: the worker ends before its half-written file is removed.
    await worker.release();
    await rm(temporary, { force: true });
  }
}
