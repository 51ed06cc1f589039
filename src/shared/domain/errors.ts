/**
 * The one error that crosses a process: a closed set of codes, a sentence for a person (what, where), a remedy.
 * Anything else that is thrown is a bug and becomes INTERNAL at the boundary. Not here: how an error is shown.
 */

import { fileFault } from './file-faults.ts';
import { shortMessage, shortQuote } from './short-text.ts';
import { messageOf } from './thrown.ts';

/** Files, recipes and arguments that cannot be used as they are (exit status 2). */
const BAD_INPUT_CODES = [
  'BAD_INPUT',
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'NOT_AN_ARCHIVE',
  'ARCHIVE_TRUNCATED',
  'ARCHIVE_DAMAGED',
  'ARCHIVE_UNSUPPORTED',
  'CHECKSUM_MISMATCH',
  'UNSAFE_MEMBER_NAME',
  'NO_KNOWN_ARRAYS',
  'WRONG_RANK',
  'COUNT_MISMATCH',
  'WIDTH_MISMATCH',
  'UNSUPPORTED_DTYPE',
  'NOT_FINITE',
  'OUT_OF_RANGE',
  'EMPTY',
  'HEADER_MISMATCH',
  'METADATA_REFUSED',
  'PICKLE_REFUSED',
  'BAD_RECIPE',
  'BAD_CHECKPOINT',
  'NOT_FOUND',
  'CONFLICT',
] as const;

/** Work that was right to ask for and failed, or was stopped (exit status 1, or 130 for CANCELLED). */
const FAILURE_CODES = [
  'CANCELLED',
  'TOO_MANY',
  'DISK_FULL',
  'OUT_OF_MEMORY',
  'NO_PERMISSION',
  'STORE_DAMAGED',
  'DATABASE_NEWER',
  'DATABASE_DAMAGED',
  'LOCKED',
  'ENGINE_UNAVAILABLE',
  'DOWNLOAD_FAILED',
  'CLUSTER_UNREACHABLE',
  'TRAINER_DIED',
  'PARITY_FAILED',
  'INTERNAL',
] as const;

export const ERROR_CODES = [...BAD_INPUT_CODES, ...FAILURE_CODES] as const;
export type BadInputCode = (typeof BAD_INPUT_CODES)[number];
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error is when it crosses a process or is stored. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface ErrorOptionsWithRemedy {
  /** What to do next, one sentence. */
  readonly remedy?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

function withShortPlace(details: ErrorOptionsWithRemedy['details']): ErrorOptionsWithRemedy['details'] {
  return typeof details?.place === 'string' ? { ...details, place: shortQuote(details.place) } : details;
}

/** Message, remedy and `details.place` are shortened here, so callers may quote names, ids and paths of any length. */
export class NextvecError extends Error {
  override readonly name = 'NextvecError';
  readonly code: ErrorCode;
  readonly remedy?: string;
  readonly details?: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptionsWithRemedy = {}) {
    super(shortMessage(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy === undefined ? undefined : shortMessage(options.remedy);
    this.details = withShortPlace(options.details);
  }

  toData(): ErrorData {
    const { code, message, remedy, details } = this;
    return {
      code,
      message,
      ...(remedy === undefined ? {} : { remedy }),
      ...(details === undefined ? {} : { details }),
    };
  }

  static fromData(data: ErrorData): NextvecError {
    return new NextvecError(data.code, data.message, { remedy: data.remedy, details: data.details });
  }
}

export function isNextvecError(error: unknown): error is NextvecError {
  return error instanceof NextvecError;
}

export function isBadInput(code: ErrorCode): code is BadInputCode {
  return BAD_INPUT_CODES.some((one) => one === code);
}

/** What V8 throws (RangeError) where an array buffer or the memory of WebAssembly finds no room. */
const NO_ROOM = /^(Array buffer allocation failed|WebAssembly\.Memory\(\): could not allocate memory)/;

export const MORE_MEMORY = 'Use a smaller file or model, close other programs, or take a machine with more memory.';

/**
 * Any thrown value as data. What is neither a NextvecError, a fault of the file system nor a lack of memory is a bug of ours
 * and says so.
 */
export function toErrorData(error: unknown): ErrorData {
  if (isNextvecError(error)) return error.toData();
  const fault = fileFault(error);
  if (fault !== null) return new NextvecError(fault.code, fault.message, { remedy: fault.remedy }).toData();
  const message = messageOf(error);
  if (error instanceof RangeError && NO_ROOM.test(message)) {
    return new NextvecError('OUT_OF_MEMORY', `The memory is used up: ${message}.`, { remedy: MORE_MEMORY }).toData();
  }
  const remedy = 'This is a fault of Nextvec; the log of this session has the details.';
  return new NextvecError('INTERNAL', message, { remedy }).toData();
}

/** Throws CANCELLED when the person stopped the work. */
export function throwIfCancelled(signal: { readonly aborted: boolean } | undefined, what: string): void {
  if (signal?.aborted) throw new NextvecError('CANCELLED', `${what} was cancelled.`);
}
