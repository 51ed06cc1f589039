// Cosine = mean over rows of 1 − cos(p, t̂). Its value follows from `RowResults.cosine`.
import { scaled } from '../rows';
import { addUnitGradient, hyperAt, rowResults } from './shared';
import { LossGradient } from '../../abi/losses.ts';

/** Gradient of row b on the unit prediction, −t̂/B, added to `total`; g: scratch row. */
export function cosineGradient(a: LossGradient, b: i32, g: usize, total: usize): void {
  const L = a.rowBytes;
  const lambda = hyperAt(a.hyper).cosine;
  const results = rowResults(a.rowResults, b);
  results.norm2Cosine = 0;
  if (lambda == 0) return;
  scaled(g, a.unitTargets + <usize>b * L, <f32>-1 / <f32>a.B, L);
  results.norm2Cosine = addUnitGradient(a, b, g, total, lambda);
}
