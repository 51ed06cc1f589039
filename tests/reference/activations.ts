/** Plain float64 versions of GELU, softmax and LayerNorm. */
import { erf } from '#engine/erf.ts';

export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

export function geluGradient(x: number): number {
  return 0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

export function softmax(x: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(x);
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const e = values.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

/** ds from dw for w = softmax(s). */
export function softmaxGradient(w: ArrayLike<number>, dw: ArrayLike<number>): Float64Array {
  let mean = 0;
  for (let i = 0; i < w.length; i++) mean += w[i] * dw[i];
  return Float64Array.from({ length: w.length }, (_, i) => w[i] * (dw[i] - mean));
}

export interface NormResult {
  readonly y: Float64Array;
  /** x̂, before γ and β. */
  readonly normalised: Float64Array;
  /** 1/√(var + ε) of each row. */
  readonly inverse: Float64Array;
}

/** LayerNorm of B rows of F values. */
export function layerNorm(
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  B: number,
  F: number,
  eps = 1e-5,
): NormResult {
  const y = new Float64Array(B * F);
  const normalised = new Float64Array(B * F);
  const inverse = new Float64Array(B);
  for (let b = 0; b < B; b++) {
    let mean = 0;
    for (let f = 0; f < F; f++) mean += x[b * F + f] / F;
    let variance = 0;
    for (let f = 0; f < F; f++) variance += (x[b * F + f] - mean) ** 2 / F;
    inverse[b] = 1 / Math.sqrt(variance + eps);
    for (let f = 0; f < F; f++) {
      normalised[b * F + f] = (x[b * F + f] - mean) * inverse[b];
      y[b * F + f] = normalised[b * F + f] * gamma[f] + beta[f];
    }
  }
  return { y, normalised, inverse };
}

export function layerNormGradient(
  dy: ArrayLike<number>,
  { normalised, inverse }: NormResult,
  gamma: ArrayLike<number>,
  B: number,
  F: number,
): { dx: Float64Array; dgamma: Float64Array; dbeta: Float64Array } {
  const dx = new Float64Array(B * F);
  const dgamma = new Float64Array(F);
  const dbeta = new Float64Array(F);
  for (let b = 0; b < B; b++) {
    let sum = 0;
    let along = 0;
    for (let f = 0; f < F; f++) {
      const i = b * F + f;
      dgamma[f] += dy[i] * normalised[i];
      dbeta[f] += dy[i];
      sum += (dy[i] * gamma[f]) / F;
      along += (dy[i] * gamma[f] * normalised[i]) / F;
    }
    for (let f = 0; f < F; f++) {
      const i = b * F + f;
      dx[i] = inverse[b] * (dy[i] * gamma[f] - sum - normalised[i] * along);
    }
  }
  return { dx, dgamma, dbeta };
}
