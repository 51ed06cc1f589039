/** Errors on the wire: always the contract's NEXTVEC with code, place and remedy; a bug of ours is INTERNAL. */
import { ORPCError } from '@orpc/server';
import type { ErrorData as WireError } from '#shared/contract/errors.ts';
import { NextvecError, isNextvecError, toErrorData, type ErrorCode } from '#shared/domain/errors.ts';
import { fileFault } from '#shared/domain/file-faults.ts';
import { inputError, type Issue } from '#shared/domain/issue-error.ts';
import { codeOf } from '#shared/domain/thrown.ts';

function issuesOf(error: ORPCError<string, unknown>): readonly Issue[] | null {
  const data = error.data as { issues?: unknown } | undefined;
  return error.code === 'BAD_REQUEST' && Array.isArray(data?.issues) ? (data.issues as Issue[]) : null;
}

interface SqliteFault {
  readonly prefix: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/** Errors of the SQLite layer while the history is open, mapped to codes; errors on opening are mapped by the store. */
const SQLITE_FAULTS: readonly SqliteFault[] = [
  {
    prefix: 'SQLITE_FULL',
    code: 'DISK_FULL',
    message: 'The disk is full; the history could not be written.',
    remedy: 'Free some space on the disk of the storage folder and try again.',
  },
  {
    prefix: 'SQLITE_BUSY',
    code: 'LOCKED',
    message: 'Another program holds the history.',
    remedy: 'Close the other program that has nextvec.db open, then try again.',
  },
  {
    prefix: 'SQLITE_CORRUPT',
    code: 'DATABASE_DAMAGED',
    message: 'The history is damaged.',
    remedy: 'Quit Nextvec, copy the storage folder, and put a backup of nextvec.db in its place.',
  },
];

/** Maps SQLite errors and leaves those of the file system; anything else is a bug of ours and is printed to stderr. */
function explainUnknown(error: unknown): unknown {
  if (fileFault(error) !== null) return error;
  const code = codeOf(error);
  const fault = SQLITE_FAULTS.find(({ prefix }) => code?.startsWith(prefix));
  if (fault !== undefined) {
    const { remedy } = fault;
    return new NextvecError(fault.code, fault.message, { remedy, details: { place: 'nextvec.db' }, cause: error });
  }
  console.error(error);
  return error;
}

/** Any thrown value as the one error the contract declares. */
export function toWireError(error: unknown): ORPCError<'NEXTVEC', WireError> | ORPCError<string, unknown> {
  if (error instanceof ORPCError) {
    const issues = issuesOf(error);
    if (issues === null) return error;
    return toWireError(inputError(issues));
  }
  const known = isNextvecError(error) ? error : explainUnknown(error);
  const { code, message, remedy, details } = toErrorData(known);
  const place = details?.place;
  return new ORPCError('NEXTVEC', {
    status: 422,
    message,
    defined: true,
    data: { code, place: typeof place === 'string' ? place : null, remedy: remedy ?? null },
  });
}

/** The error of a call to another process of ours, as that process threw it. */
export function fromWireError(error: unknown): unknown {
  if (!(error instanceof ORPCError) || error.code !== 'NEXTVEC') return error;
  const { code, place, remedy } = error.data as WireError;
  return new NextvecError(code as ErrorCode, error.message, {
    remedy: remedy ?? undefined,
    details: place === null ? undefined : { place },
    cause: error,
  });
}
