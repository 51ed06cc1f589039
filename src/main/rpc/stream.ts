/** Event streams that end at once when whoever reads them goes away, even while they wait for the next event. */
import { AsyncIteratorClass } from '@orpc/server';
import { toWireError } from './errors.ts';

/** `make` gets a signal that is aborted when the reader returns or `outer` is; errors leave as the contract's. */
export function eventStream<T>(
  make: (signal: AbortSignal) => AsyncIterable<T>,
  outer?: AbortSignal,
): AsyncIteratorClass<T, void, void> {
  const own = new AbortController();
  const signal = outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]);
  const events = make(signal)[Symbol.asyncIterator]();
  return new AsyncIteratorClass<T, void, void>(
    async () => {
      try {
        const { done, value } = await events.next();
        return done ? { done: true, value: undefined } : { done: false, value };
      } catch (error) {
        if (signal.aborted) return { done: true, value: undefined };
        throw toWireError(error);
      }
    },
    async () => own.abort(),
  );
}
