/** What is wrong with an HDF5 file, as errors with place and remedy. */
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';

/** `place`: file, or file and column. */
export function hdf5Error(error: unknown, place: string): unknown {
  if (isNextvecError(error)) return error;
  const message = messageOf(error);
  const [, filter] = /required filter '(.+?)' is not registered/.exec(message) ?? [];
  if (filter !== undefined) {
    return new NextvecError('ARCHIVE_UNSUPPORTED', `${place}: it is compressed with ${filter}, which is not read.`, {
      remedy: "Write it without compression or with compression='gzip' (h5py).",
      cause: error,
    });
  }
  // The library lists its calls, the innermost last.
  const innermost = [...message.matchAll(/\(\): (.+)$/gm)].at(-1)?.[1];
  return damaged(place, innermost ?? message, error);
}

export function damaged(place: string, why: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${place}: the HDF5 data is damaged: ${why}.`, {
    remedy: 'Copy or download the file again, or write it anew.',
    cause,
  });
}
