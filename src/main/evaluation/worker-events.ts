/** The event stream of one job in a data worker; `done` is the last event. */
import { fromWireError } from '../wire/errors.ts';
import { isRefusal, type WorkerClient, type WorkerPool } from '../processes/worker-pool.ts';

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
    for await (const event of await work(worker.client)) {
      if (event.type === 'done') worker.giveBack();
      yield event;
    }
  } catch (error) {
    const shown = fromWireError(error);
    if (isRefusal(shown)) worker.giveBack();
    throw shown;
  } finally {
    signal?.removeEventListener('abort', release);
    await worker.release();
  }
}
