/**
 * Points to pixels: one bucket a pixel column with smallest, largest and mean value, so that a frame costs what the
 * screen is wide, not what the run is long. Buckets stand on a fixed grid, so a picture that is panned does not shimmer.
 */
import { isRaw, lowerBound, type Points } from './columns.ts';

/** Reused between frames; only the first `length` entries mean anything. */
export interface Pixels {
  length: number;
  /** Where each point is drawn. */
  x: Float64Array;
  mean: Float32Array;
  min: Float32Array;
  max: Float32Array;
  /** False when every point is one raw value: then `min` and `max` equal `mean`. */
  banded: boolean;
}

export function emptyPixels(): Pixels {
  const none = new Float32Array(0);
  return { length: 0, x: new Float64Array(0), mean: none, min: none, max: none, banded: false };
}

function ensureCapacity(out: Pixels, n: number): void {
  if (out.x.length >= n) return;
  out.x = new Float64Array(n);
  out.mean = new Float32Array(n);
  out.min = new Float32Array(n);
  out.max = new Float32Array(n);
}

/** The view from `x0` to `x1` in at most about `buckets` points, and one beyond each edge so that lines reach it. */
export function decimate(points: Points, x0: number, x1: number, buckets: number, out: Pixels): Pixels {
  const first = Math.max(0, lowerBound(points.x, x0) - 1);
  const last = Math.min(points.x.length, lowerBound(points.x, x1) + 1);
  const count = last - first;
  if (count <= 2 * buckets || !(x1 > x0)) copyPoints(points, first, last, out);
  else bucketPoints(points, first, last, (x1 - x0) / buckets, out);
  return out;
}

function copyPoints(points: Points, first: number, last: number, out: Pixels): void {
  ensureCapacity(out, last - first);
  out.length = last - first;
  out.banded = !isRaw(points);
  out.x.set(points.x.subarray(first, last));
  out.mean.set(points.mean.subarray(first, last));
  out.min.set(points.min.subarray(first, last));
  out.max.set(points.max.subarray(first, last));
}

function bucketPoints(points: Points, first: number, last: number, width: number, out: Pixels): void {
  const { x, mean, min, max } = points;
  ensureCapacity(out, Math.ceil((x[last - 1] - x[first]) / width) + 2);
  out.banded = true;
  let n = 0;
  let i = first;
  while (i < last) {
    const bucket = Math.floor(x[i] / width);
    const start = i;
    let low = Infinity;
    let high = -Infinity;
    let sum = 0;
    let measured = 0;
    for (; i < last && Math.floor(x[i] / width) === bucket; i++) {
      if (min[i] < low) low = min[i];
      if (max[i] > high) high = max[i];
      if (!Number.isNaN(mean[i])) {
        sum += mean[i];
        measured++;
      }
    }
    out.x[n] = (x[start] + x[i - 1]) / 2;
    out.mean[n] = measured > 0 ? sum / measured : Number.NaN;
    out.min[n] = measured > 0 ? low : Number.NaN;
    out.max[n] = measured > 0 ? high : Number.NaN;
    n++;
  }
  out.length = n;
}

/** How far beyond the edges of the view a line is drawn, as a share of its width: enough for its corner not to be seen. */
const BEYOND = 0.03;

/**
 * Moves the points beyond each edge along their lines to just beyond it. In a picture that is zoomed in far they can lie
 * a million pixels away, and such lines and areas take a canvas a hundred milliseconds. `log`: lines are straight there
 * between logarithms.
 */
export function clipEnds(pixels: Pixels, x0: number, x1: number, log: boolean): void {
  const beyond = BEYOND * (x1 - x0);
  const { length, x } = pixels;
  if (length < 2) return;
  if (x[0] < x0 - beyond) moveAlong(pixels, 0, 1, x0 - beyond, log);
  if (x[length - 1] > x1 + beyond) moveAlong(pixels, length - 1, length - 2, x1 + beyond, log);
}

/** Moves point `i` on its line to `to` until it stands at `at`. */
function moveAlong(pixels: Pixels, i: number, to: number, at: number, log: boolean): void {
  const { x } = pixels;
  const t = (at - x[i]) / (x[to] - x[i]);
  if (!(t > 0 && t < 1)) return;
  for (const values of new Set([pixels.mean, pixels.min, pixels.max])) {
    const [from, next] = [values[i], values[to]];
    if (log && from > 0 && next > 0) values[i] = from * (next / from) ** t;
    else values[i] = from + t * (next - from);
  }
  x[i] = at;
}

/** Widens `range` by the values drawn; on a log scale only by those above 0. */
export function widen(range: { min: number; max: number }, pixels: Pixels, log: boolean): void {
  for (let i = 0; i < pixels.length; i++) {
    const low = pixels.min[i];
    const high = pixels.max[i];
    if (low < range.min && (!log || low > 0)) range.min = low;
    if (high > range.max && (!log || high > 0)) range.max = high;
    if (log && low <= 0 && pixels.mean[i] > 0 && pixels.mean[i] < range.min) range.min = pixels.mean[i];
  }
}
