/** Joins columns of one range that were requested separately into one series. Pure. */
import type { Series } from '#shared/contract/runs.ts';

type Columns = Series['mean'];

/**
 * Steps that a run added between the answers are in the later ones only, and are left out. null when the answers do not
 * stand for the same stretches of steps: a run that grew was then reduced more in the later ones.
 */
export function joinColumns(parts: readonly Series[]): Series | null {
  const [{ stepsPerPoint, step }] = parts;
  if (parts.some((part) => part.stepsPerPoint !== stepsPerPoint || part.step[0] !== step[0])) return null;
  const length = Math.min(...parts.map(({ step }) => step.length));
  const join = (pick: (part: Series) => Columns): Columns =>
    Object.fromEntries(
      parts.flatMap((part) => Object.entries(pick(part)).map(([name, values]) => [name, values.subarray(0, length)])),
    );
  return {
    stepsPerPoint,
    step: step.subarray(0, length),
    min: join(({ min }) => min),
    max: join(({ max }) => max),
    mean: join(({ mean }) => mean),
  };
}
