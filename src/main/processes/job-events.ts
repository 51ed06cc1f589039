/** The events of a job in a data worker. */
import type { LeasedWorker } from './worker-pool.ts';

/** `done` comes last, when the stream has ended and the worker is given back: one that is not kept may end before it is read. */
export async function* jobEvents<T extends { readonly type: string }>(
  worker: LeasedWorker,
  events: AsyncIterable<T>,
): AsyncGenerator<T> {
  let done: T | null = null;
  for await (const event of events) {
    if (event.type === 'done') done = event;
    else yield event;
  }
  worker.giveBack();
  if (done !== null) yield done;
}
