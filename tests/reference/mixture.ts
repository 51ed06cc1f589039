/** Plain float64 attention mixture: w = softmax(u·x_t·scale), mix = Σ w_t·x_t, for B rows of T vectors of D values. */
import { softmax, softmaxGradient } from './activations.ts';

export interface MixtureSizes {
  readonly B: number;
  readonly T: number;
  readonly D: number;
  readonly scale: number;
}

function products(x: ArrayLike<number>, v: ArrayLike<number>, b: number, { T, D }: MixtureSizes): Float64Array {
  const out = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    for (let d = 0; d < D; d++) out[t] += x[(b * T + t) * D + d] * v[b * D + d];
  }
  return out;
}

function combination(
  x: ArrayLike<number>,
  weights: Float64Array,
  b: number,
  { T, D }: MixtureSizes,
  out: Float64Array,
): void {
  for (let t = 0; t < T; t++) {
    for (let d = 0; d < D; d++) out[b * D + d] += weights[t] * x[(b * T + t) * D + d];
  }
}

export function mixture(
  x: ArrayLike<number>,
  u: ArrayLike<number>,
  sizes: MixtureSizes,
): { mix: Float64Array; weights: Float64Array } {
  const { B, T, D, scale } = sizes;
  const mix = new Float64Array(B * D);
  const weights = new Float64Array(B * T);
  for (let b = 0; b < B; b++) {
    const w = softmax(products(x, u, b, sizes).map((s) => s * scale));
    weights.set(w, b * T);
    combination(x, w, b, sizes, mix);
  }
  return { mix, weights };
}

/** du from dmix. */
export function mixtureGradient(
  x: ArrayLike<number>,
  weights: Float64Array,
  dmix: ArrayLike<number>,
  sizes: MixtureSizes,
): Float64Array {
  const { B, T, D, scale } = sizes;
  const du = new Float64Array(B * D);
  for (let b = 0; b < B; b++) {
    const ds = softmaxGradient(weights.subarray(b * T, (b + 1) * T), products(x, dmix, b, sizes));
    combination(
      x,
      ds.map((s) => s * scale),
      b,
      sizes,
      du,
    );
  }
  return du;
}
