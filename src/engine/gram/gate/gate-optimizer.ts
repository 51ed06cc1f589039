/** How a gate is trained: AdamW and the OneCycle schedule, as PyTorch defines them (torch.optim, 2.x). */

const BETA2 = 0.999;
const EPS = 1e-8;
const WARM_UP = 0.3;
/** First learning rate is max/25, last one that/1e4. */
const START_DIVISOR = 25;
const END_DIVISOR = 1e4;
const BETA1_MAX = 0.95;
const BETA1_MIN = 0.85;

function cosineBetween(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

/**
 * Learning rate and first momentum of a step (0-based) of `OneCycleLR(max_lr, total_steps)`: the rate rises over the first
 * 30 % and falls over the rest, both along a cosine; the momentum does the opposite.
 */
export function oneCycle(step: number, totalSteps: number, maxLr: number): { lr: number; beta1: number } {
  const start = maxLr / START_DIVISOR;
  const peak = WARM_UP * totalSteps - 1;
  if (step <= peak) {
    const share = step / peak;
    return { lr: cosineBetween(start, maxLr, share), beta1: cosineBetween(BETA1_MAX, BETA1_MIN, share) };
  }
  const share = (step - peak) / (totalSteps - 1 - peak);
  return { lr: cosineBetween(maxLr, start / END_DIVISOR, share), beta1: cosineBetween(BETA1_MIN, BETA1_MAX, share) };
}

/** Parameters of one gate with AdamW's moments. */
export interface GateState {
  readonly parameters: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** One AdamW update in place. `step` is 1-based. */
export function adamwUpdate(
  { parameters, m, v }: GateState,
  gradient: Float64Array,
  { lr, beta1, weightDecay, step }: { lr: number; beta1: number; weightDecay: number; step: number },
): void {
  const correction1 = 1 - beta1 ** step;
  const correction2 = Math.sqrt(1 - BETA2 ** step);
  for (let i = 0; i < parameters.length; i++) {
    const g = gradient[i];
    m[i] += (1 - beta1) * (g - m[i]);
    v[i] = BETA2 * v[i] + (1 - BETA2) * g * g;
    const update = m[i] / correction1 / (Math.sqrt(v[i]) / correction2 + EPS);
    parameters[i] = parameters[i] * (1 - lr * weightDecay) - lr * update;
  }
}
