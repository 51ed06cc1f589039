/** Notices a worker whose thread does not come back from a synchronous call, as a library in an endless loop. */
import { NextvecError } from '#shared/domain/errors.ts';

/** Ticks counted instead of a clock: a machine that sleeps, or an owner that is busy, makes no worker silent. */
const TICKS = 12;

/** Calls `onSilent` once `alive` has not resolved for `limitMs`. Returns what ends the watch. */
export function watchSilence(alive: () => Promise<void>, limitMs: number, onSilent: () => void): () => void {
  let silentTicks = 0;
  const answered = (): void => {
    silentTicks = 0;
  };
  const timer = setInterval(() => {
    // A rejected call is that of a worker that has ended, and with it this watch.
    if (silentTicks === 0) alive().then(answered, answered);
    if (silentTicks++ < TICKS) return;
    clearInterval(timer);
    onSilent();
  }, limitMs / TICKS).unref();
  return () => clearInterval(timer);
}

export function notComingBack(file: string, silentMs: number): NextvecError {
  const what = `reading it has not come back for ${silentMs / 1000} s, so the file is probably damaged`;
  return new NextvecError('ARCHIVE_DAMAGED', `${file}: ${what}.`, {
    remedy: 'Write the file anew; in HDF5, write texts with a fixed width.',
    details: { place: file },
  });
}
