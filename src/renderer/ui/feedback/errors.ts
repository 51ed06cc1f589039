/** An error as the page shows it: what, where, what to do next. Not here: how errors are made (domain/errors.ts). */
import { ORPCError } from '@orpc/client';
import type { ErrorData } from '#shared/contract/errors.ts';
import { messageOf } from '#shared/domain/thrown.ts';

export interface ShownError {
  readonly message: string;
  readonly place: string | null;
  readonly remedy: string | null;
  /** Code of domain/errors.ts, or of the connection. */
  readonly code: string;
}

function isErrorData(data: unknown): data is ErrorData {
  return typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string';
}

export function shownError(error: unknown): ShownError {
  if (error instanceof ORPCError) {
    const data: unknown = error.data;
    if (isErrorData(data)) {
      return { message: error.message, place: data.place ?? null, remedy: data.remedy ?? null, code: data.code };
    }
    return { message: error.message, place: null, remedy: null, code: error.code };
  }
  const message = messageOf(error);
  return { message, place: null, remedy: null, code: 'INTERNAL' };
}

/** Whether the error means that the work was cancelled. */
export function isCancelled(error: unknown): boolean {
  return (error instanceof Error && error.name === 'AbortError') || shownError(error).code === 'CANCELLED';
}
