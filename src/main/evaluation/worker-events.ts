/** The event stream of one job in a data worker; `done` is the last event. */
import { fromWireError } from '../wire/errors.ts';
import { jobEvents } from '../processes/job-events.ts';
import type { WorkerClient, WorkerPool } from '../processes/worker-pool.ts';

/** Leaving the loop or aborting terminates the worker, the only way to interrupt an engine in the middle of a step. */
export async function* workerEvents<T extends { readonly type: string }>(
  workers: Pick<WorkerPool, 'lease'>,
  work: (client: WorkerClient) => Promise<AsyncIterable<T>>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const worker = await workers.lease(signal);
  const release = (): void => void worker.release();
  signal?.addEventListener('abort', release);
  try {
    yield* jobEvents(worker, await work(worker.client));
  } catch (error) {
    throw fromWireError(error);
  } finally {
    signal?.removeEventListener('abort', release);
    await worker.release();
  }
}
