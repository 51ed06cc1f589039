/** Exit status and the last line of a command that failed. */
import { ORPCError } from '@orpc/client';
import { CommanderError } from 'commander';
import { ZodError } from 'zod';
import { ErrorDataSchema } from '#shared/contract/errors.ts';
import {
  ERROR_CODES,
  NextvecError,
  isBadInput,
  toErrorData,
  type ErrorCode,
  type ErrorData,
} from '#shared/domain/errors.ts';
import { issueList } from '#shared/domain/short-text.ts';

export const EXIT = { done: 0, failed: 1, badInput: 2, interrupted: 130 } as const;

function knownCode(code: string): ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code) ? (code as ErrorCode) : 'INTERNAL';
}

function issuesText(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issueList(issues.map(({ path, message }) => ({ path: path.join('.'), message })));
}

function isIssues(value: unknown): value is { issues: { path: PropertyKey[]; message: string }[] } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { issues?: unknown }).issues);
}

/** Any error of a command as data: ours, one that crossed the contract, a bad recipe, bad usage. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof ZodError) return { code: 'BAD_RECIPE', message: issuesText(error.issues) };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    const remedy = 'nextvec --help lists commands; nextvec COMMAND --help its flags.';
    return new NextvecError('BAD_INPUT', message, { remedy }).toData();
  }
  if (error instanceof ORPCError) {
    const data = ErrorDataSchema.safeParse(error.data);
    if (data.success) {
      const { code, place, remedy } = data.data;
      const message = place && !error.message.includes(place) ? `${place}: ${error.message}` : error.message;
      return { code: knownCode(code), message, ...(remedy === null ? {} : { remedy }) };
    }
    if (isIssues(error.data)) return { code: 'BAD_INPUT', message: issuesText(error.data.issues) };
  }
  return toErrorData(error);
}

export function exitStatus(code: ErrorCode): number {
  if (code === 'CANCELLED') return EXIT.interrupted;
  return isBadInput(code) ? EXIT.badInput : EXIT.failed;
}
