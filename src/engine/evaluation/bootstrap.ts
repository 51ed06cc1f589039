/**
 * 95 % intervals of mean cosines and of their differences, by a bootstrap over articles: windows of one article share
 * vectors and topic, so articles are drawn with replacement, not windows. All quantities share the draws, which pairs
 * their differences. Percentile intervals, widened for few or unequal articles (see `tailOf`).
 * G groups (articles or blocks), Q quantities.
 */
import type { Interval } from '#shared/domain/evaluation/interval.ts';
import { stream, type Random } from '../random.ts';

const DRAWS = 10_000;
/** With fewer groups no interval is given. */
const MIN_GROUPS = 5;
/** Windows of a block where articles are unknown: about as many as an article has. */
const BLOCK_WINDOWS = 50;
/** Small sets are cut into at least about so many blocks. */
const MIN_BLOCKS = 30;

/** What is drawn together. */
export interface WindowGroups {
  readonly unit: 'articles' | 'blocks';
  /** Group of each window of the split, 0..G − 1 by first appearance. */
  readonly of: Uint32Array;
  /** Windows of each group. [G] */
  readonly windows: Float64Array;
}

/** Groups windows by article, or by blocks of consecutive ids where `articleOf` (by window id) is unknown. */
export function groupWindows(ids: Uint32Array, T: number, articleOf?: ArrayLike<number>): WindowGroups {
  const length = Math.max(T + 1, Math.min(BLOCK_WINDOWS, Math.floor(ids.length / MIN_BLOCKS)));
  const keyOf = articleOf ? (id: number) => articleOf[id] : (id: number) => Math.floor(id / length);
  const places = new Map<number, number>();
  const of = ids.map((id) => {
    const key = keyOf(id);
    const place = places.get(key) ?? places.size;
    places.set(key, place);
    return place;
  });
  const windows = new Float64Array(places.size);
  for (const group of of) windows[group]++;
  return { unit: articleOf ? 'articles' : 'blocks', of, windows };
}

/** Sum of one value a window over each group. [G] */
export function sumByGroup(values: ArrayLike<number>, { of, windows }: WindowGroups): Float64Array {
  const sums = new Float64Array(windows.length);
  for (let row = 0; row < of.length; row++) sums[of[row]] += values[row];
  return sums;
}

export interface Bootstrap {
  /** Interval of the mean of quantity q; null: fewer than five groups, or a sum is not finite. */
  mean(q: number): Interval | null;
  /** Interval of mean q minus mean r. */
  difference(q: number, r: number): Interval | null;
}

/** `windows` [G] and the `sums` of each quantity over the groups, Q × [G]. The same seed gives the same intervals. */
export function bootstrap(
  windows: Float64Array,
  sums: readonly Float64Array[],
  seed: number,
  count = DRAWS,
): Bootstrap {
  const isMeasurable = windows.length >= MIN_GROUPS;
  const draws = isMeasurable ? drawMeans(windows, sums, stream(seed, 'bootstrap'), count) : [];
  const tail = tailOf(windows);
  const interval = (values: Float64Array) => (values.every(Number.isFinite) ? percentiles(values, tail) : null);
  return {
    mean: (q) => (isMeasurable ? interval(draws[q]) : null),
    difference: (q, r) => (isMeasurable ? interval(draws[q].map((mean, i) => mean - draws[r][i])) : null),
  };
}

/** Mean of each quantity in each draw, Q × [count]. */
function drawMeans(
  windows: Float64Array,
  sums: readonly Float64Array[],
  random: Random,
  count: number,
): Float64Array[] {
  const drawn = new Uint32Array(windows.length);
  const means = sums.map(() => new Float64Array(count));
  for (let draw = 0; draw < count; draw++) {
    random.integers(windows.length, drawn);
    const total = sumOf(windows, drawn);
    for (let q = 0; q < sums.length; q++) means[q][draw] = sumOf(sums[q], drawn) / total;
  }
  return means;
}

function sumOf(values: Float64Array, places: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < places.length; i++) sum += values[places[i]];
  return sum;
}

/**
 * Share of draws outside each end. 2.5 % for many groups; less for few, whose percentile interval is too narrow:
 * Φ(−√(n/(n − 1))·t) with the t quantile of n − 1 degrees of freedom (the expanded percentile interval of Hesterberg,
 * The American Statistician 69, 2015). n is the effective number of groups, (Σw)²/Σw² of their windows w.
 */
function tailOf(windows: Float64Array): number {
  const sum = windows.reduce((a, b) => a + b, 0);
  const squares = windows.reduce((a, b) => a + b * b, 0);
  const n = Math.max(3, squares === 0 ? 0 : sum ** 2 / squares);
  return normalTail(Math.sqrt(n / (n - 1)) * studentQuantile(n - 1));
}

/** 0.975 quantiles of Student's t for 1, 2 and 3 degrees of freedom. */
const SMALL_STUDENT = [12.706, 4.303, 3.182];

/** 0.975 quantile of Student's t, by its expansion in 1/ν (Abramowitz & Stegun 26.7.5); within 0.002 from ν = 4 on. */
export function studentQuantile(freedom: number): number {
  const known = SMALL_STUDENT[freedom - 1];
  if (known !== undefined) return known;
  const z = 1.959963984540054;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / freedom ** (i + 1), z);
}

/** 1 − Φ(z) for z ≥ 0 (Abramowitz & Stegun 26.2.17, error below 1e-7). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const polynomial = series.reduceRight((sum, c) => (sum + c) * t, 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** The values that leave `tail` of the draws outside at each end, interpolated. */
function percentiles(values: Float64Array, tail: number): Interval {
  const sorted = values.toSorted();
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return { low: at(tail), high: at(1 - tail) };
}
