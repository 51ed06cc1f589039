/** `--hold` of `plan` and `queue retry`. */
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { PlanGateSchema, type PlanGate } from '#shared/domain/plans/plans.ts';
import { readGateMetric } from '#shared/domain/recipe/command-line.ts';
import { GATE_METRICS } from '#shared/domain/recipe/recipe.ts';

export const HOLD_FLAG = '--hold <GATE...>';
export const HOLD_HELP =
  'METRIC:MINIMUM the best checkpoint must have, e.g. oodBestLift:0; METRIC.low: the lower end of its interval';

/** The gates of `--hold`; undefined where there is none. */
export function readHolds(words: readonly string[] | undefined): PlanGate[] | undefined {
  return words?.map((word) => {
    const [metric, minimum] = word.split(':');
    const parsed = PlanGateSchema.safeParse({
      ...readGateMetric(metric),
      minimum: minimum ? Number(minimum) : undefined,
    });
    if (parsed.success) return parsed.data;
    throw new NextvecError('BAD_INPUT', `--hold: "${word}" is no gate: ${z.prettifyError(parsed.error)}`, {
      remedy: `Write METRIC:MINIMUM with ${GATE_METRICS.join(', ')}, e.g. oodBestLift:0.01; METRIC.low:MINIMUM reads the lower end of its 95 % interval.`,
      details: { place: '--hold' },
    });
  });
}
