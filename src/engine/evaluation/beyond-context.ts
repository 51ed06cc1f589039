/** What a prediction adds to its context: its part outside the span of the context vectors. T context length, D width. */
import { dot } from './vectors.ts';

/** A part shorter than this share of its vector is rounding. */
const NOTHING_LEFT = 1e-3;

/**
 * Cosine of row `row` of predictions and targets [B, D] after projecting both off the span of `context` [T, D]; null
 * where one of them lies in that span.
 */
export function beyondCosine(
  context: Float32Array,
  predictions: Float32Array,
  targets: Float32Array,
  row: number,
  D: number,
): number | null {
  const basis = orthonormal(context, D);
  const p = outside(predictions.subarray(row * D, (row + 1) * D), basis, D);
  const t = outside(targets.subarray(row * D, (row + 1) * D), basis, D);
  return p === null || t === null ? null : dot(p, 0, t, 0, D);
}

/** Gram-Schmidt; vectors that depend on earlier ones are left out. */
function orthonormal(rows: Float32Array, D: number): Float32Array[] {
  const basis: Float32Array[] = [];
  for (let start = 0; start < rows.length; start += D) {
    const next = outside(rows.subarray(start, start + D), basis, D);
    if (next !== null) basis.push(next);
  }
  return basis;
}

/** The unit vector of x without its parts along `basis`; null when nothing is left. */
function outside(x: Float32Array, basis: readonly Float32Array[], D: number): Float32Array | null {
  const rest = Float32Array.from(x);
  for (const b of basis) {
    const along = dot(rest, 0, b, 0, D);
    for (let d = 0; d < D; d++) rest[d] -= along * b[d];
  }
  const length = Math.sqrt(dot(rest, 0, rest, 0, D));
  if (!(length > NOTHING_LEFT * Math.sqrt(dot(x, 0, x, 0, D)))) return null;
  for (let d = 0; d < D; d++) rest[d] /= length;
  return rest;
}
