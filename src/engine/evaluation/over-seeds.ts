/**
 * 95 % intervals of a recipe's figures, and of the difference of two recipes, over several runs with different seeds.
 * Articles and seeds both make a figure uncertain: the half-width over the articles (bootstrap) and that over the seeds
 * (Student's t) are added in quadrature, as those of independent errors. One seed tells nothing about their spread.
 */
import type { CosineSums, GroupSums, Interval } from '#shared/domain/evaluation/interval.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';
import { bootstrap, studentQuantile } from './bootstrap.ts';
import { haveSameWindows, minus, strongestBaseline } from './run-intervals.ts';

/** A sweep has hundreds of intervals: fewer draws than for a figure of one run. */
const DRAWS = 2000;

/** Cosines of two recipes with one seed, on the same windows. */
export interface SeedPair {
  readonly a: GroupSums;
  readonly b: GroupSums;
}

/** One quantity of the run with one seed, summed over its articles. */
interface SeedSums {
  /** Windows of each article. [G] */
  readonly windows: Float64Array;
  /** [G] */
  readonly sums: Float64Array;
}

/** Interval of the mean over the seeds of one figure; `runs`: one a seed. null: not measured, or too few articles. */
export function metricOverSeeds(metric: GateMetric, runs: readonly CosineSums[], seed: number): Interval | null {
  const part = metric.startsWith('ood') ? 'ood' : 'validation';
  const quantities = runs.flatMap((run): SeedSums[] => {
    const of = run[part];
    const sums = of && metricSums(metric, of);
    return sums ? [{ windows: of.windows, sums }] : [];
  });
  return quantities.length < runs.length ? null : intervalOverSeeds(quantities, seed);
}

/** Interval of the mean cosine of a minus that of b. null: not measured, on other windows, or too few articles. */
export function differenceOverSeeds(pairs: readonly SeedPair[], seed: number): Interval | null {
  const differences = pairs.flatMap(({ a, b }): SeedSums[] => {
    const [ours, theirs] = [modelSums(a), modelSums(b)];
    return ours && theirs && haveSameWindows(a, b) ? [{ windows: a.windows, sums: minus(ours, theirs) }] : [];
  });
  return differences.length < pairs.length ? null : intervalOverSeeds(differences, seed);
}

/** Sums of a cosine, or of its difference to a baseline. [G]; null: not measured. */
function metricSums(metric: GateMetric, of: GroupSums): Float64Array | null {
  const model = modelSums(of);
  if (metric === 'valCosine' || metric === 'oodCosine') return model;
  const isBest = metric === 'valBestLift' || metric === 'oodBestLift';
  const baseline = isBest ? strongestBaseline(of.sums) : (of.sums.contextMean ?? null);
  return model && baseline && minus(model, baseline);
}

/** Absent before a run's first epoch. */
function modelSums({ sums }: GroupSums): Float64Array | null {
  return sums.model ?? null;
}

function intervalOverSeeds(runs: readonly SeedSums[], seed: number): Interval | null {
  if (runs.length === 0) return null;
  const { windows, sums } = pool(runs);
  const interval = bootstrap(windows, [sums], seed, DRAWS).mean(0);
  if (interval === null) return null;
  const pooled = total(sums) / total(windows);
  const means = runs.map((run) => total(run.sums) / total(run.windows));
  const mean = means.reduce((a, b) => a + b, 0) / means.length;
  const overSeeds = halfWidthOverSeeds(means, mean);
  return {
    low: mean - Math.hypot(pooled - interval.low, overSeeds),
    high: mean + Math.hypot(interval.high - pooled, overSeeds),
  };
}

/** Articles of an OOD set are the same for all seeds; validation windows are another draw for each. */
function pool(runs: readonly SeedSums[]): SeedSums {
  const [first, ...others] = runs;
  if (others.every((one) => haveSameWindows(one, first))) {
    return {
      windows: first.windows.map((count) => count * runs.length),
      sums: first.windows.map((_, g) => runs.reduce((sum, of) => sum + of.sums[g], 0)),
    };
  }
  return {
    windows: Float64Array.from(runs.flatMap(({ windows }) => [...windows])),
    sums: Float64Array.from(runs.flatMap(({ sums }) => [...sums])),
  };
}

/** 0 for one seed. */
function halfWidthOverSeeds(means: readonly number[], mean: number): number {
  const n = means.length;
  if (n < 2) return 0;
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return studentQuantile(n - 1) * Math.sqrt(variance / n);
}

function total(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
