// Anti-copy = mean over rows and positions of max(0, margin − (cos(p, t̂) − cos(p, ĉ_t))).
import { addScaled, scaled } from '../rows';
import { addUnitGradient, floatAt, hyperAt, rowResults } from './shared';
import { LossGradient, Output } from '../../abi/losses.ts';

/** Value of row b, summed over its positions. */
export function antiCopyValue(a: Output, b: i32, cosine: f32): f64 {
  const margin = hyperAt(a.hyper).marginAntiCopy;
  let sum: f64 = 0;
  for (let t = 0; t < a.T; t++) {
    sum += max<f32>(0, margin - (cosine - load<f32>(floatAt(a.contextCosines, b * a.T + t))));
  }
  return sum;
}

/**
 * Gradient of row b on the unit prediction, added to `total`: (ĉ_t − t̂)/(B·T) for every position that misses the margin;
 * g: scratch row.
 */
export function antiCopyGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
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
