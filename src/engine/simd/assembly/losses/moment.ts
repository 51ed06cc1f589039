// Moment = mean over dimensions of (μ_raw − μ_target)² + (σ_raw − σ_target)², μ and σ over the batch.
import { fma, splat, sumLanes64 } from '../math';
import { BatchStatistics, DimensionResults } from '../../abi/losses.ts';

/**
 * Values of four dimensions, added to `results`, and the coefficients of their gradient A + C·(raw − μ), stored.
 * `at`: byte offset of the first dimension.
 */
// @ts-ignore: decorator
@inline
export function momentDimensions4(
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

/** draw + λ·(A + C·(raw − μ)), four dimensions. */
// @ts-ignore: decorator
@inline
export function addMoment4(draw: v128, raw: v128, offset: v128, slope: v128, mean: v128, lambda: v128): v128 {
  return fma(lambda, fma(slope, f32x4.sub(raw, mean), offset), draw);
}
