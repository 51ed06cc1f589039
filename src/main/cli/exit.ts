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
import { recipeError } from '#shared/domain/issue-error.ts';

export const EXIT = { done: 0, failed: 1, badInput: 2, interrupted: 130 } as const;

function knownCode(code: string): ErrorCode {
  return ERROR_CODES.find((known) => known === code) ?? 'INTERNAL';
}

/** Any error of a command as data: ours, one that crossed the contract, a bad recipe, bad usage. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof ZodError) return recipeError(error.issues).toData();
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    const remedy = 'nextvec --help lists commands; nextvec COMMAND --help its flags.';
    return new NextvecError('BAD_INPUT', message, { remedy }).toData();
  }
  if (error instanceof ORPCError) {
    const data = ErrorDataSchema.safeParse(error.data);
    if (data.success) {
      const { code, place, remedy } = data.data;
      return {
        code: knownCode(code),
        message: error.message,
        ...(remedy === null ? {} : { remedy }),
        ...(place === null ? {} : { details: { place } }),
      };
    }
  }
  return toErrorData(error);
}

export function exitStatus(code: ErrorCode): number {
  if (code === 'CANCELLED') return EXIT.interrupted;
  return isBadInput(code) ? EXIT.badInput : EXIT.failed;
}
