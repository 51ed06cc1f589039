/** Event streams that end at once when whoever reads them goes away, even while they wait for the next event. */
import { AsyncIteratorClass } from '@orpc/server';
import { toWireError } from './errors.ts';

/**
 * `make` gets a signal that is aborted when the reader returns or `outer` is; errors leave as the contract's. A reader that returns ends what `make`
 * gave (its `finally` runs), and waits for that unless an event was still awaited.
 */
export function eventStream<T>(
  make: (signal: AbortSignal) => AsyncIterable<T>,
  outer?: AbortSignal,
): AsyncIteratorClass<T, void, void> {
  const own = new AbortController();
  const signal = outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]);
  const events = make(signal)[Symbol.asyncIterator]();
  let awaiting = false;
  return new AsyncIteratorClass<T, void, void>(
    async () => {
      awaiting = true;
      try {
        const { done, value } = await events.next();
        return done ? { done: true, value: undefined } : { done: false, value };
      } catch (error) {
        if (signal.aborted) return { done: true, value: undefined };
        throw toWireError(error);
      } finally {
        awaiting = false;
      }
    },
    async () => {
      own.abort();
      // The reader has gone: nobody is left to hear of an error.
      const ended = Promise.resolve(events.return?.()).catch(() => undefined);
      if (!awaiting) await ended;
    },
  );
}
