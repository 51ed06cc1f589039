/** Plain float64 AdamW with clipping by the global norm, as PyTorch's clip_grad_norm_ and AdamW do it. */
import type { OptimizerConfig } from '#engine/types.ts';

/** Updates w, m and v in place; `step` is 1-based. Returns the gradient norm before clipping. */
export function adamw(
  w: Float64Array,
  g: ArrayLike<number>,
  m: Float64Array,
  v: Float64Array,
  config: OptimizerConfig,
  lr: number,
  step: number,
): number {
  const { beta1, beta2, eps, weightDecay, clip } = config;
  let squares = 0;
  for (let i = 0; i < w.length; i++) squares += g[i] ** 2;
  const norm = Math.sqrt(squares);
  const factor = clip > 0 ? Math.min(1, clip / (norm + 1e-6)) : 1;
  for (let i = 0; i < w.length; i++) {
    const d = g[i] * factor;
    m[i] = beta1 * m[i] + (1 - beta1) * d;
    v[i] = beta2 * v[i] + (1 - beta2) * d * d;
    const first = m[i] / (1 - beta1 ** step);
    const second = v[i] / (1 - beta2 ** step);
    w[i] = w[i] * (1 - lr * weightDecay) - (lr * first) / (Math.sqrt(second) + eps);
  }
  return norm;
}
