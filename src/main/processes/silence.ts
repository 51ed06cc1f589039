/** Detects a worker whose thread is stuck in a synchronous call, e.g. of a library in an endless loop. */
import { NextvecError } from '#shared/domain/errors.ts';

/** Silence is counted in ticks, not by the clock: a machine that slept, or an owner that was busy, must not end a worker. */
const TICKS = 12;

/** Calls `onSilent` once when `alive` has not been answered for `limitMs`. Returns a function that ends the watch. */
export function watchSilence(alive: () => Promise<void>, limitMs: number, onSilent: () => void): () => void {
  let silentTicks = 0;
  const answered = (): void => {
    silentTicks = 0;
  };
  const timer = setInterval(() => {
    // A call is rejected when the worker has ended; its exit ends this watch.
    if (silentTicks === 0) alive().then(answered, answered);
    if (silentTicks++ < TICKS) return;
    clearInterval(timer);
    onSilent();
  }, limitMs / TICKS).unref();
  return () => clearInterval(timer);
}

export function notAnswering(file: string, silentMs: number): NextvecError {
  const what = `its reader has not answered for ${silentMs / 1000} s, so the file is probably damaged`;
  return new NextvecError('ARCHIVE_DAMAGED', `${file}: ${what}.`, {
    remedy: 'Write the file anew; in HDF5, write texts with a fixed width.',
    details: { place: file },
  });
}
