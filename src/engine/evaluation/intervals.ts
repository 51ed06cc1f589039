/** Intervals of a model's cosine, of the baselines', the ceiling's and of the lifts, from bootstraps over a split's articles. */
import {
  bestBaseline,
  type BaselineTable,
  type Ceiling,
  type Intervals,
} from '#shared/domain/evaluation/evaluation.ts';
import type { Interval } from '#shared/domain/evaluation/interval.ts';
import { recordOf } from '#shared/domain/records.ts';
import { BASELINES, type BaselineName } from '#shared/domain/runs/training.ts';
import { bootstrap, groupWindows, sumByGroup } from './bootstrap.ts';
import type { Split } from './windows.ts';

/** Cosines to the targets of a split, one a row. */
export interface RowCosines {
  readonly cosines: Float32Array;
  readonly baselineRows: ReadonlyMap<BaselineName, Float32Array>;
  /** Means of `baselineRows`. */
  readonly baselines: BaselineTable;
}

interface Drawing {
  /** Article of each window of the source. */
  readonly articleOf?: ArrayLike<number>;
  readonly seed: number;
}

export function intervalsOf(
  { cosines, baselineRows, baselines }: RowCosines,
  { ids, source }: Split,
  { articleOf, seed }: Drawing,
): Intervals & { readonly cosine: Interval | null } {
  const groups = groupWindows(ids, source.T, articleOf);
  const sums = [cosines, ...baselineRows.values()].map((values) => sumByGroup(values, groups));
  const drawn = bootstrap(groups.windows, sums, seed);
  const names = [...baselineRows.keys()];
  const perBaseline = (of: (q: number) => Interval | null) =>
    recordOf(BASELINES, (name) => (names.includes(name) ? of(1 + names.indexOf(name)) : null));
  const lift = perBaseline((q) => drawn.difference(0, q));
  const best = bestBaseline(baselines);
  return {
    cosine: drawn.mean(0),
    unit: groups.unit,
    groups: groups.windows.length,
    baselines: perBaseline(drawn.mean),
    lift: { ...lift, best: best && lift[best.name] },
  };
}

/** Cosines of the ceiling's predictors at `rows` of the split (`engine/gram/ceiling.ts`). */
export interface CeilingCosines {
  readonly rows: Uint32Array;
  readonly positions: Float64Array;
  readonly gate: Float64Array;
  /** Position weights fitted on the set. [T] */
  readonly weights: Float32Array;
}

/** `cosines`: the model's, one a row of the split. */
export function ceilingFigures(
  { rows, positions, gate, weights }: CeilingCosines,
  cosines: Float32Array,
  { ids, source }: Split,
  { articleOf, seed }: Drawing,
): Ceiling {
  const groups = groupWindows(
    rows.map((row) => ids[row]),
    source.T,
    articleOf,
  );
  const ofModel = Float64Array.from(rows, (row) => cosines[row]);
  const quantities = [ofModel, positions, gate];
  const drawn = bootstrap(
    groups.windows,
    quantities.map((values) => sumByGroup(values, groups)),
    seed,
  );
  const means = quantities.map((values) => values.reduce((sum, value) => sum + value, 0) / rows.length);
  const figureOf = (q: number) => ({
    cosine: means[q],
    interval: drawn.mean(q),
    lift: Number.isFinite(means[0]) ? means[0] - means[q] : null,
    liftInterval: drawn.difference(0, q),
  });
  return {
    windows: rows.length,
    positionWeights: { ...figureOf(1), weights: [...weights] },
    gate: figureOf(2),
  };
}
