// Terms on the unit prediction p, except InfoNCE: value beside gradient, and at the end what calls them. A gradient adds
// itself to `total`, the weighted gradient of row b on p, and stores its norm; g is a scratch row.
// Formulas: tests/reference/losses.ts. t̂ unit target, ĉ unit context vector.
import { splat, sumLanes64 } from '../math';
import { addScaled, scaled } from '../rows';
import { addUnitGradient, floatAt, hyperAt, rowMask, rowResults } from './shared';
import { BatchStatistics, DimensionResults, LossGradient, Output } from '../../abi/losses.ts';

// Variance = mean over dimensions of max(0, σ target − σ_p), σ_p over the batch.

/** Values of dimensions d to d + 3, added to `results`, and the coefficients of their gradient V·(p − μp), stored. */
// @ts-ignore: decorator
@inline
function varianceDimensions4(a: BatchStatistics, d: i32, results: DimensionResults, mean: v128, sigma: v128): void {
  const at = <usize>d << 2;
  const zero = splat(0);
  const inside = rowMask(d, a.D);
  const short = f32x4.max(f32x4.sub(splat(hyperAt(a.hyper).varianceTarget), sigma), zero);
  const active = v128.and(v128.and(f32x4.gt(short, zero), inside), f32x4.gt(sigma, zero));
  const inverseFree = splat(<f32>1 / <f32>(a.B - 1));
  const slope = f32x4.div(f32x4.mul(inverseFree, splat(<f32>-1 / <f32>a.D)), sigma);
  v128.store(a.varianceSlope + at, v128.and(slope, active));
  v128.store(a.unitMean + at, mean);
  results.hinge += sumLanes64(v128.and(short, inside));
}

/** V·(p − μp). */
function varianceGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
  const lambda = hyperAt(a.hyper).variance;
  const results = rowResults(a.rowResults, b);
  results.norm2Variance = 0;
  if (lambda == 0) return;
  const p = a.unit + <usize>b * a.rowBytes;
  for (let at: usize = 0; at < a.rowBytes; at += 16) {
    const away = f32x4.sub(v128.load(p + at), v128.load(a.unitMean + at));
    v128.store(g + at, f32x4.mul(v128.load(a.varianceSlope + at), away));
  }
  results.norm2Variance = addUnitGradient(a, b, g, total, lambda);
}

// Directional = mean over rows of max(0, margin − (cos(p, t̂) − cos(p, ĉ))), ĉ the context vector before the last.

/** Value of row b; NaN where the context has one vector. */
function directionalValue(a: Output, b: i32, cosine: f32): f64 {
  if (a.T < 2) return NaN;
  const before = load<f32>(floatAt(a.contextCosines, b * a.T + a.T - 2));
  return max<f32>(0, hyperAt(a.hyper).marginDirectional - (cosine - before));
}

/** (ĉ − t̂)/B where the margin is missed. */
function directionalGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
  const L = a.rowBytes;
  const hyper = hyperAt(a.hyper);
  const results = rowResults(a.rowResults, b);
  results.norm2Directional = 0;
  if (a.T < 2 || hyper.directional == 0) return;
  const position = b * a.T + a.T - 2;
  const before = load<f32>(floatAt(a.contextCosines, position));
  if (!(hyper.marginDirectional - (<f32>results.cosine - before) > 0)) return;
  const inverseNorm = load<f32>(floatAt(a.inverseContextNorms, position));
  scaled(g, a.unitTargets + <usize>b * L, <f32>-1 / <f32>a.B, L);
  addScaled(g, a.contexts + <usize>position * L, inverseNorm / <f32>a.B, L);
  results.norm2Directional = addUnitGradient(a, b, g, total, hyper.directional);
}

// Anti-copy = mean over rows and positions of max(0, margin − (cos(p, t̂) − cos(p, ĉ_t))).

/** Value of row b, summed over its positions. */
function antiCopyValue(a: Output, b: i32, cosine: f32): f64 {
  const margin = hyperAt(a.hyper).marginAntiCopy;
  let sum: f64 = 0;
  for (let t = 0; t < a.T; t++) {
    sum += max<f32>(0, margin - (cosine - load<f32>(floatAt(a.contextCosines, b * a.T + t))));
  }
  return sum;
}

/** Σ_t (ĉ_t − t̂)/(B·T) over the positions that miss the margin. */
function antiCopyGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
  const L = a.rowBytes;
  const hyper = hyperAt(a.hyper);
  const results = rowResults(a.rowResults, b);
  results.norm2AntiCopy = 0;
  if (hyper.anti_copy == 0) return;
  const cosine = <f32>results.cosine;
  const share = <f32>1 / <f32>(a.B * a.T);
  let active = 0;
  for (let t = 0; t < a.T; t++) {
    const position = b * a.T + t;
    if (hyper.marginAntiCopy - (cosine - load<f32>(floatAt(a.contextCosines, position))) <= 0) continue;
    const x = a.contexts + <usize>position * L;
    const factor = load<f32>(floatAt(a.inverseContextNorms, position)) * share;
    if (active == 0) scaled(g, x, factor, L);
    else addScaled(g, x, factor, L);
    active++;
  }
  if (active == 0) return;
  addScaled(g, a.unitTargets + <usize>b * L, -share * <f32>active, L);
  results.norm2AntiCopy = addUnitGradient(a, b, g, total, hyper.anti_copy);
}

// Cosine = mean over rows of 1 − cos(p, t̂). Its value follows from `RowResults.cosine`.

/** −t̂/B. */
function cosineGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
  const L = a.rowBytes;
  const lambda = hyperAt(a.hyper).cosine;
  const results = rowResults(a.rowResults, b);
  results.norm2Cosine = 0;
  if (lambda == 0) return;
  scaled(g, a.unitTargets + <usize>b * L, <f32>-1 / <f32>a.B, L);
  results.norm2Cosine = addUnitGradient(a, b, g, total, lambda);
}

/** Values that row b decides. `cosine`: cos(p, t̂). */
export function unitRowValues(a: Output, b: i32, cosine: f32): void {
  const results = rowResults(a.rowResults, b);
  results.directional = directionalValue(a, b, cosine);
  results.antiCopy = antiCopyValue(a, b, cosine);
}

/** Values of dimensions d to d + 3, added to `results`, and the coefficients of their gradients, stored. */
// @ts-ignore: decorator
@inline
export function unitDimensions4(a: BatchStatistics, d: i32, results: DimensionResults, mean: v128, sigma: v128): void {
  varianceDimensions4(a, d, results, mean, sigma);
}

/** Adds the weighted gradients of row b to `total`; stores their norms. */
export function unitGradients(a: LossGradient, b: i32, g: usize, total: usize): void {
  varianceGradient(a, b, g, total);
  directionalGradient(a, b, g, total);
  antiCopyGradient(a, b, g, total);
  cosineGradient(a, b, g, total);
}
