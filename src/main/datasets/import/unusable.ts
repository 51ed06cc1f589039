/** Tells a part of a data file that cannot be used, and may be left out, from a damaged file. */
import { isBadInput, isNextvecError, type ErrorCode, type NextvecError } from '#shared/domain/errors.ts';

/** Errors that mean that the file is damaged, not only this part of it. */
const DAMAGE = new Set<ErrorCode>(['ARCHIVE_DAMAGED', 'ARCHIVE_TRUNCATED', 'CHECKSUM_MISMATCH']);

export function isUnusable(error: unknown): error is NextvecError {
  return isNextvecError(error) && isBadInput(error.code) && !DAMAGE.has(error.code);
}
