/** The events of one piece of work in a data worker of its own, from its start to its end or until the reader leaves. */
import type { Services } from '../rpc/context.ts';
import { fromWireError } from '../wire/errors.ts';
import type { WorkerClient } from '../worker/pool.ts';

/** Leaving the loop, or aborting, ends the thread: the one way to end what an engine is in the middle of. */
export async function* workerEvents<T>(
  { workers }: Services,
  work: (client: WorkerClient) => Promise<AsyncIterable<T>>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const worker = workers.startSingle();
  const leave = (): void => void worker.release();
  signal?.addEventListener('abort', leave);
  try {
    yield* await work(worker.client);
  } catch (error) {
    throw fromWireError(error);
  } finally {
    signal?.removeEventListener('abort', leave);
    await worker.release();
  }
}
