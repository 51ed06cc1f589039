import { NextvecError } from '#shared/domain/errors.ts';

/** Throws CANCELLED once `signal` is aborted. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new NextvecError('CANCELLED', 'The installation was interrupted.', {
    remedy: 'Run it again: it goes on from what has been downloaded. "nextvec engines remove tensorflow" removes that.',
  });
}
