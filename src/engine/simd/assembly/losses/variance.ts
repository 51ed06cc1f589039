// Variance = mean over dimensions of max(0, σ target − σ_p), σ_p of the unit prediction over the batch.
import { splat, sumLanes64 } from '../math';
import { addUnitGradient, hyperAt, rowMask, rowResults } from './shared';
import { BatchStatistics, DimensionResults, LossGradient } from '../../abi/losses.ts';

/**
 * Values of dimensions d to d + 3, added to `results`, and the coefficients of their gradient V·(p − μp), stored.
 */
// @ts-ignore: decorator
@inline
export function varianceDimensions4(a: BatchStatistics, d: i32, results: DimensionResults, mean: v128, sigma: v128): void {
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

/** Gradient of row b on the unit prediction, V·(p − μp), added to `total`; g: scratch row. */
export function varianceGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
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
