/** What is wrong with an Arrow file, as errors with place and remedy. */
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';

/** Its message says what is not supported, for a person. */
export class UnsupportedArrow extends Error {}
/** Its message says where the file ends too early. */
export class TruncatedArrow extends Error {}

/** `place`: file, or file and column. */
export function arrowError(error: unknown, place: string): unknown {
  if (isNextvecError(error)) return error;
  const why = messageOf(error);
  if (error instanceof UnsupportedArrow) {
    return new NextvecError('ARCHIVE_UNSUPPORTED', `${place}: ${why}, which is not read.`, {
      remedy: 'Write the file with pyarrow.ipc or pyarrow.feather, without compression or with lz4 or zstd.',
      cause: error,
    });
  }
  if (error instanceof TruncatedArrow) {
    return new NextvecError('ARCHIVE_TRUNCATED', `${place}: the Arrow data was cut off: ${why}.`, {
      remedy: 'Copy or download the file again; or close its writer, which writes the end.',
      cause: error,
    });
  }
  return new NextvecError('ARCHIVE_DAMAGED', `${place}: the Arrow data is damaged: ${why}.`, {
    remedy: 'Copy or download the file again, or write it anew.',
    cause: error,
  });
}
