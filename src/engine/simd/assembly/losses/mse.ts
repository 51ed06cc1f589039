// MSE = Σ (raw − target)² / (B·D).
import { fma, splat, sumLanes64 } from '../math';
import { hyperAt } from './shared';
import { LossGradient } from '../../abi/losses.ts';

/** Σ (raw − target)² of one row of L bytes. */
export function squaredError(raw: usize, target: usize, L: usize): f64 {
  let squares = splat(0);
  for (let at: usize = 0; at < L; at += 16) {
    const d = f32x4.sub(v128.load(raw + at), v128.load(target + at));
    squares = fma(d, d, squares);
  }
  return sumLanes64(squares);
}

/** 2λ/(B·D), the factor of raw − target in the gradient on raw. */
// @ts-ignore: decorator
@inline
export function mseFactor(a: LossGradient): v128 {
  return splat((hyperAt(a.hyper).mse * 2) / <f32>(a.B * a.D));
}

/** draw + λ·∂MSE/∂raw, four dimensions. */
// @ts-ignore: decorator
@inline
export function addMse4(draw: v128, raw: v128, target: v128, factor: v128): v128 {
  return fma(factor, f32x4.sub(raw, target), draw);
}
