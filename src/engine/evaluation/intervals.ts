/** Intervals of a model's cosine, of the baselines' and of the lifts, from one bootstrap over a split's articles. */
import { bestBaseline, type BaselineTable, type Intervals } from '#shared/domain/evaluation/evaluation.ts';
import type { Interval } from '#shared/domain/evaluation/interval.ts';
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
  const perBaseline = (of: (q: number) => Interval | null) => {
    const entries = BASELINES.map((name) => [name, names.includes(name) ? of(1 + names.indexOf(name)) : null]);
    return Object.fromEntries(entries) as Record<BaselineName, Interval | null>;
  };
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
