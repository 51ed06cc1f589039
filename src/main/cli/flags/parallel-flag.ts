/** `--parallel` of the commands that work the queue off. */
import { ParallelSchema } from '#shared/contract/app.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Parallel } from '#shared/domain/runs/sharing.ts';

export const PARALLEL_FLAG = '--parallel <N>';
export const PARALLEL_HELP =
  'runs that train at once, with the cores shared out; auto: as many as are fastest, measured [as Settings say: 1]';

/** undefined: as Settings say. */
export function readParallel(word: string | undefined): Parallel | undefined {
  if (word === undefined) return undefined;
  const parsed = ParallelSchema.safeParse(word === 'auto' ? word : Number(word));
  if (parsed.success) return parsed.data;
  throw new NextvecError('BAD_INPUT', `--parallel needs a whole number from 1 to 256 or auto, not "${word}".`, {
    remedy: 'Leave it out to train one run at a time.',
    details: { place: '--parallel' },
  });
}
