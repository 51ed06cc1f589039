/**
 * How an error crosses a process: a code of the closed union in domain/errors.ts, a message for a person, a remedy.
 * Every procedure declares these; the other side gets an ORPCError whose `data` is this shape.
 */
import { z } from 'zod';

export const ErrorDataSchema = z.object({
  /** A code of `ErrorCode`. */
  code: z.string(),
  /** File, field or member the error is about. */
  place: z.string().nullable(),
  /** What to do next. */
  remedy: z.string().nullable(),
});
export type ErrorData = z.infer<typeof ErrorDataSchema>;

/** The one error every procedure may give; `message` is for a person. */
export const CONTRACT_ERRORS = { NEXTVEC: { status: 422, data: ErrorDataSchema } } as const;
