/**
 * The data of a chart series as columns. A point stands for one step or a range of steps, with min, max and mean. Plain
 * typed arrays; no store, no Vue, no canvas. n points; every array of one `Points` has length n.
 */

export interface Points {
  /** First step of each point, ascending. [n] */
  readonly x: Float64Array;
  /** NaN where nothing was measured. [n] */
  readonly mean: Float32Array;
  /** The same array as `mean` when each point is one raw value. [n] */
  readonly min: Float32Array;
  readonly max: Float32Array;
}

export const NO_POINTS: Points = rawPoints(new Float64Array(0), new Float32Array(0));

/** Points of raw values: min, max and mean are one array. */
export function rawPoints(x: Float64Array, values: Float32Array): Points {
  return { x, mean: values, min: values, max: values };
}

/** Points of a stretch that was reduced elsewhere, by column. */
export interface ReducedSeries {
  /** 1: raw values, all in `mean`. */
  readonly stepsPerPoint: number;
  readonly step: Float64Array;
  readonly min: Readonly<Record<string, Float32Array>>;
  readonly max: Readonly<Record<string, Float32Array>>;
  readonly mean: Readonly<Record<string, Float32Array>>;
}

/** The points of one column; none where the series lacks it. */
export function columnPoints(series: ReducedSeries, column: string): Points {
  const { [column]: mean } = series.mean;
  if (!mean) return NO_POINTS;
  if (series.stepsPerPoint === 1) return rawPoints(series.step, mean);
  return { x: series.step, mean, min: series.min[column], max: series.max[column] };
}

/** Raw points from records; null becomes NaN. */
export function pointsFrom<R>(records: readonly R[], x: (r: R) => number, y: (r: R) => number | null): Points {
  return rawPoints(
    Float64Array.from(records, x),
    Float32Array.from(records, (r) => y(r) ?? Number.NaN),
  );
}

/** Without the points where nothing was measured, so that a line joins those that were. */
export function withoutGaps({ x, mean, min, max }: Points): Points {
  const isMeasured = (_: number, i: number): boolean => !Number.isNaN(mean[i]);
  const kept = mean.filter(isMeasured);
  if (min === max) return rawPoints(x.filter(isMeasured), kept);
  return { x: x.filter(isMeasured), mean: kept, min: min.filter(isMeasured), max: max.filter(isMeasured) };
}

/** Points with a band, e.g. of an interval; without one where a measured point has none. */
export function bandedFrom<R>(
  records: readonly R[],
  x: (r: R) => number,
  y: (r: R) => number | null,
  band: (r: R) => { readonly low: number; readonly high: number } | null | undefined,
): Points {
  const points = pointsFrom(records, x, y);
  if (records.length === 0 || records.some((r) => y(r) !== null && !band(r))) return points;
  return {
    ...points,
    min: Float32Array.from(records, (r) => band(r)?.low ?? Number.NaN),
    max: Float32Array.from(records, (r) => band(r)?.high ?? Number.NaN),
  };
}

export function isRaw(points: Points): boolean {
  return points.min === points.max;
}

/** First index whose x is at least `value`; n when there is none. */
export function lowerBound(x: Float64Array, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (x[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Mean value of the point that is nearest to `at`, or null when there is none or it was not measured. */
export function valueNear(points: Points, at: number): { readonly x: number; readonly y: number } | null {
  const { x, mean } = points;
  if (x.length === 0) return null;
  const right = Math.min(lowerBound(x, at), x.length - 1);
  const left = Math.max(0, right - 1);
  const i = at - x[left] < x[right] - at ? left : right;
  return Number.isNaN(mean[i]) ? null : { x: x[i], y: mean[i] };
}

/** The last measured value, or null. */
export function lastValue(points: Points): number | null {
  for (let i = points.mean.length - 1; i >= 0; i--) if (!Number.isNaN(points.mean[i])) return points.mean[i];
  return null;
}

/** The first measured value, or null. */
export function firstValue(points: Points): number | null {
  const found = points.mean.find((v) => !Number.isNaN(v));
  return found ?? null;
}

/** `coarse` with everything from `from` to `to` replaced by the points of `fine`, which lie inside. */
export function splice(coarse: Points, fine: Points, from: number, to: number): Points {
  const head = lowerBound(coarse.x, from);
  const tail = lowerBound(coarse.x, to + 1);
  const raw = isRaw(coarse) && isRaw(fine);
  const mean = joined(Float32Array, coarse.mean, head, fine.mean, tail);
  return {
    x: joined(Float64Array, coarse.x, head, fine.x, tail),
    mean,
    min: raw ? mean : joined(Float32Array, coarse.min, head, fine.min, tail),
    max: raw ? mean : joined(Float32Array, coarse.max, head, fine.max, tail),
  };
}

function joined<A extends Float32Array | Float64Array>(
  make: new (length: number) => A,
  coarse: A,
  head: number,
  fine: A,
  tail: number,
): A {
  const out = new make(head + fine.length + coarse.length - tail);
  out.set(coarse.subarray(0, head), 0);
  out.set(fine, head);
  out.set(coarse.subarray(tail), head + fine.length);
  return out;
}
