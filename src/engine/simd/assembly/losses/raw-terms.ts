// Terms on raw itself: value beside gradient, and at the end what calls them. Formulas: tests/reference/losses.ts.
import { fma, splat, sumLanes64 } from '../math';
import { hyperAt, rowResults } from './shared';
import { BatchStatistics, DimensionResults, LossGradient, Output } from '../../abi/losses.ts';

// MSE = Σ (raw − target)² / (B·D).

/** Σ (raw − target)² of one row of L bytes. */
function squaredError(raw: usize, target: usize, L: usize): f64 {
  let squares = splat(0);
  for (let at: usize = 0; at < L; at += 16) {
    const d = f32x4.sub(v128.load(raw + at), v128.load(target + at));
    squares = fma(d, d, squares);
  }
  return sumLanes64(squares);
}

/** Adds 2λ/(B·D)·(raw − target) of row b to `draw`. */
function mseGradient(a: LossGradient, b: i32, draw: usize): void {
  const lambda = hyperAt(a.hyper).mse;
  if (lambda == 0) return;
  const L = a.rowBytes;
  const raw = a.raw + <usize>b * L;
  const target = a.targets + <usize>b * L;
  const factor = splat((lambda * 2) / <f32>(a.B * a.D));
  for (let at: usize = 0; at < L; at += 16) {
    const away = f32x4.sub(v128.load(raw + at), v128.load(target + at));
    v128.store(draw + at, fma(factor, away, v128.load(draw + at)));
  }
}

// Moment = mean over dimensions of (μ_raw − μ_target)² + (σ_raw − σ_target)², μ and σ over the batch.

/**
 * Values of four dimensions, added to `results`, and the coefficients of their gradient A + C·(raw − μ), stored.
 * `at`: byte offset of the first dimension.
 */
// @ts-ignore: decorator
@inline
function momentDimensions4(
  a: BatchStatistics,
  at: usize,
  results: DimensionResults,
  meanRaw: v128,
  sigmaRaw: v128,
  meanTarget: v128,
  sigmaTarget: v128,
): void {
  const inverseB = splat(<f32>1 / <f32>a.B);
  const inverseFree = splat(<f32>1 / <f32>(a.B - 1));
  const perDimension = splat(<f32>2 / <f32>a.D);
  const meanGap = f32x4.sub(meanRaw, meanTarget);
  const sigmaGap = f32x4.sub(sigmaRaw, sigmaTarget);
  const moving = f32x4.gt(sigmaRaw, splat(0));
  v128.store(a.momentOffset + at, f32x4.mul(f32x4.mul(meanGap, perDimension), inverseB));
  const slope = f32x4.div(f32x4.mul(f32x4.mul(sigmaGap, perDimension), inverseFree), sigmaRaw);
  v128.store(a.momentSlope + at, v128.and(slope, moving));
  v128.store(a.rawMean + at, meanRaw);
  const meanGap2 = f32x4.mul(meanGap, meanGap);
  const sigmaGap2 = f32x4.mul(sigmaGap, sigmaGap);
  results.mean2 += sumLanes64(meanGap2);
  results.sigma2 += sumLanes64(sigmaGap2);
  results.momentGradient2 += sumLanes64(fma(v128.and(sigmaGap2, moving), inverseFree, f32x4.mul(meanGap2, inverseB)));
}

/** Adds λ·(A + C·(raw − μ)) of row b to `draw`. */
function momentGradient(a: LossGradient, b: i32, draw: usize): void {
  const lambda = hyperAt(a.hyper).moment;
  if (lambda == 0) return;
  const L = a.rowBytes;
  const raw = a.raw + <usize>b * L;
  const offset = a.momentOffset;
  const slope = a.momentSlope;
  const mean = a.rawMean;
  const factor = splat(lambda);
  for (let at: usize = 0; at < L; at += 16) {
    const away = f32x4.sub(v128.load(raw + at), v128.load(mean + at));
    const gradient = fma(v128.load(slope + at), away, v128.load(offset + at));
    v128.store(draw + at, fma(factor, gradient, v128.load(draw + at)));
  }
}

/** Values that row b decides. */
export function rawRowValues(a: Output, b: i32): void {
  const at = <usize>b * a.rowBytes;
  rowResults(a.rowResults, b).squaredError = squaredError(a.raw + at, a.targets + at, a.rowBytes);
}

/** Values of dimensions d to d + 3, added to `results`, and the coefficients of their gradients, stored. */
// @ts-ignore: decorator
@inline
export function rawDimensions4(
  a: BatchStatistics,
  d: i32,
  results: DimensionResults,
  meanRaw: v128,
  sigmaRaw: v128,
  meanTarget: v128,
  sigmaTarget: v128,
): void {
  momentDimensions4(a, <usize>d << 2, results, meanRaw, sigmaRaw, meanTarget, sigmaTarget);
}

/** Adds the weighted gradients of row b to `draw`. */
export function rawGradients(a: LossGradient, b: i32, draw: usize): void {
  mseGradient(a, b, draw);
  momentGradient(a, b, draw);
}
