// Shared by the loss terms. Formulas: tests/reference/losses.ts. p unit prediction, t̂ unit target, ĉ unit context vector.
import { fma, splat, sumLanes64 } from '../math';
import { addScaled, dot } from '../rows';
import { LossGradient, RowResults } from '../../abi/losses.ts';
import { Hyper } from '../../abi/hyper.ts';

export const MIN_NORM: f32 = 1e-12;

// @ts-ignore: decorator
@inline
export function hyperAt(address: usize): Hyper {
  return changetype<Hyper>(address);
}

/** Results of row b. */
// @ts-ignore: decorator
@inline
export function rowResults(results: usize, b: i32): RowResults {
  return changetype<RowResults>(results + <usize>b * offsetof<RowResults>());
}

/** Address of float `i` of an array. */
// @ts-ignore: decorator
@inline
export function floatAt(array: usize, i: i32): usize {
  return array + (<usize>i << 2);
}

/** All ones in the lanes of rows below B. */
// @ts-ignore: decorator
@inline
export function rowMask(firstRow: i32, B: i32): v128 {
  return i32x4.lt_s(i32x4.add(i32x4.splat(firstRow), i32x4(0, 1, 2, 3)), i32x4.splat(B));
}

/** g·p, or 0 where |raw| is below the least norm: its unit prediction has no derivative along p. */
// @ts-ignore: decorator
@inline
export function alongPrediction(g: usize, p: usize, inverseNorm: f32, L: usize): f32 {
  return inverseNorm * MIN_NORM >= 1 ? 0 : dot(g, p, L);
}

/**
 * Adds λ·g to `total`, the gradient of row b on the unit prediction. Returns ‖(g − (g·p)p)/|raw|‖², the squared norm of g
 * on raw.
 */
export function addUnitGradient(a: LossGradient, b: i32, g: usize, total: usize, lambda: f32): f64 {
  const L = a.rowBytes;
  const p = a.unit + <usize>b * L;
  const inverseNorm = load<f32>(floatAt(a.inverseNorms, b));
  const along = splat(-alongPrediction(g, p, inverseNorm, L));
  let squares = splat(0);
  for (let at: usize = 0; at < L; at += 16) {
    const v = fma(along, v128.load(p + at), v128.load(g + at));
    squares = fma(v, v, squares);
  }
  if (lambda != 0) addScaled(total, g, lambda, L);
  return sumLanes64(squares) * <f64>inverseNorm * <f64>inverseNorm;
}
