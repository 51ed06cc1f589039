/** How long a recipe will take, from the speed of earlier runs like it on this machine. */
import { modelRow } from '#shared/domain/models/models.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { SpeedRow } from '../../store/runs.ts';

export interface ExpectedTime {
  readonly expectedMs: { readonly low: number; readonly high: number } | null;
  /** Why that range, or why there is none. */
  readonly from: string;
}

/** A forward pass alone costs about a third of a training step. */
const EVALUATION_SHARE = 1 / 3;
/** Speed varies by this even between equal runs: heat, other programs, length. */
const SPREAD = 0.15;
/** And by this between batch sizes far apart. */
const WIDE_SPREAD = 0.5;
const MAX_BATCH_RATIO = 2;

/** Prefers the batch size and engine asked for, then neighbours within a factor of two, then whatever there is. */
export function expectTime(
  recipe: Pick<Recipe, 'engine' | 'batchSize' | 'epochs' | 'modelType'>,
  speeds: readonly SpeedRow[],
  trainRows: number,
  evaluatedRows: number,
): ExpectedTime {
  const sameEngine = speeds.filter((s) => recipe.engine === 'auto' || s.engine === recipe.engine);
  const ratio = (s: SpeedRow): number => Math.max(s.batchSize / recipe.batchSize, recipe.batchSize / s.batchSize);
  const exact = sameEngine.filter((s) => ratio(s) === 1);
  const near = sameEngine.filter((s) => ratio(s) <= MAX_BATCH_RATIO);
  const [pool, what, spread] =
    exact.length > 0
      ? [exact, 'the same batch size', SPREAD]
      : near.length > 0
        ? [near, 'a similar batch size', SPREAD]
        : [sameEngine, 'another batch size, so only roughly', WIDE_SPREAD];
  const used = pool.slice(0, 5);
  if (used.length === 0) {
    return {
      expectedMs: null,
      from: `No ${recipe.modelType} run like this one has been measured on this machine yet.`,
    };
  }
  // A fit takes most of its time before the first epoch: whole runs are compared, by their training rows.
  const isFit = modelRow(recipe.modelType).training === 'fit';
  const rates = used.map((s) => (isFit ? s.fittedRowsPerSecond : s.rowsPerSecond));
  const fastest = Math.max(...rates) * (1 + spread);
  const slowest = Math.min(...rates) * (1 - spread);
  const rows = isFit ? trainRows : recipe.epochs * (trainRows + evaluatedRows * EVALUATION_SHARE);
  const runs = used.map((s) => `#${s.number}`).join(', ');
  return {
    expectedMs: { low: (1000 * rows) / fastest, high: (1000 * rows) / slowest },
    from: `Measured on ${used.length === 1 ? 'run' : 'runs'} ${runs} (same model, ${what}).`,
  };
}

/** With the time that the models among the parts of a Gram mixture take to be trained anew. */
export function withRetraining({ expectedMs, from }: ExpectedTime, retrainingMs: number): ExpectedTime {
  if (retrainingMs === 0 || expectedMs === null) return { expectedMs, from };
  const { low, high } = expectedMs;
  return {
    expectedMs: { low: low + retrainingMs * (1 - SPREAD), high: high + retrainingMs * (1 + SPREAD) },
    from: `${from} The runs among its parts are trained anew without each cluster in turn, up to three times as long as they took.`,
  };
}
