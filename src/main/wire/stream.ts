/** Event streams that end at once when their reader goes away, even while they wait for the next event. */
import { AsyncIteratorClass } from '@orpc/server';
import { toWireError } from './errors.ts';

/**
 * `make` gets a signal that is aborted when the reader returns or when `outer` is. Errors leave as the contract's. When
 * the reader returns, the iterable of `make` is closed (its `finally` runs); the return waits for that unless an event
 * was still awaited.
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
      // The reader has gone: an error has no receiver.
      const ended = Promise.resolve(events.return?.()).catch(() => undefined);
      if (!awaiting) await ended;
    },
  );
}
