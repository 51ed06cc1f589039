// Directional = mean over rows of max(0, margin − (cos(p, t̂) − cos(p, ĉ))), ĉ the context vector before the last.
import { addScaled, scaled } from '../rows';
import { addUnitGradient, floatAt, hyperAt, rowResults } from './shared';
import { LossGradient, Output } from '../../abi/losses.ts';

/** Value of row b; NaN where the context has one vector. */
export function directionalValue(a: Output, b: i32, cosine: f32): f64 {
  if (a.T < 2) return NaN;
  const before = load<f32>(floatAt(a.contextCosines, b * a.T + a.T - 2));
  return max<f32>(0, hyperAt(a.hyper).marginDirectional - (cosine - before));
}

/** Gradient of row b on the unit prediction, (ĉ − t̂)/B where the margin is missed, added to `total`; g: scratch row. */
export function directionalGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
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
