/**
 * Whether two recipes, trained with the same seeds, differ: articles and seeds both make their difference uncertain. The
 * half-width over the articles and that over the seeds (Student's t) add as independent errors do.
 */
import type { GroupSums } from '#shared/domain/evaluation/interval.ts';
import { bootstrap, studentQuantile } from './bootstrap.ts';
import { haveSameWindows } from './run-intervals.ts';

/** Fewer draws than for a figure that is shown: only the sign of an end matters. */
const DRAWS = 2000;

/** Cosines of the two with one seed, on the same windows. */
export interface SeedPair {
  readonly a: GroupSums;
  readonly b: GroupSums;
}

/** null: not measured, or on different windows. */
export function isDistinguishable(pairs: readonly SeedPair[], seed: number): boolean | null {
  if (pairs.length === 0 || !pairs.every(({ a, b }) => haveSameWindows(a, b))) return null;
  const sums = pairs.map(({ a, b }) => a.sums.model.map((value, g) => value - b.sums.model[g]));
  const pooled = pool(pairs, sums);
  const interval = bootstrap(pooled.windows, [pooled.sums], seed, DRAWS).mean(0);
  if (interval === null) return null;
  const mean = total(pooled.sums) / total(pooled.windows);
  const overArticles = mean > 0 ? mean - interval.low : interval.high - mean;
  return Math.abs(mean) > Math.hypot(overArticles, halfWidthOverSeeds(pairs, sums));
}

/** Articles of an OOD set are the same for all seeds; validation windows are another draw for each. */
function pool(pairs: readonly SeedPair[], sums: readonly Float64Array[]) {
  const [first, ...others] = pairs;
  if (others.every(({ a }) => haveSameWindows(a, first.a))) {
    return {
      windows: first.a.windows.map((count) => count * pairs.length),
      sums: first.a.windows.map((_, g) => sums.reduce((sum, of) => sum + of[g], 0)),
    };
  }
  return {
    windows: Float64Array.from(pairs.flatMap(({ a }) => [...a.windows])),
    sums: Float64Array.from(sums.flatMap((of) => [...of])),
  };
}

/** 0 for one seed: nothing is known of their spread. */
function halfWidthOverSeeds(pairs: readonly SeedPair[], sums: readonly Float64Array[]): number {
  const n = pairs.length;
  if (n < 2) return 0;
  const differences = sums.map((of, s) => total(of) / total(pairs[s].a.windows));
  const mean = differences.reduce((a, b) => a + b, 0) / n;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1);
  return studentQuantile(n - 1) * Math.sqrt(variance / n);
}

function total(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
