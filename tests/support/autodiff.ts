/** Losses and gradients of tfjs autodiff, the reference of the gradients that the engines compute themselves. */
import type { Engine, LossProbe, ModelOptions } from '#engine/types.ts';
import { range } from './walks.ts';

export type Autodiff = Pick<LossProbe, 'total' | 'values' | 'gradNorm' | 'gradients'>;

/**
 * On contexts [B, T, D] and targets [B, D], without dropout. Taken from a training step: `probe` also goes backward for
 * each loss term alone.
 */
export async function autodiff(
  tfjs: Engine,
  options: ModelOptions,
  contexts: Float32Array,
  targets: Float32Array,
): Promise<Autodiff> {
  const { T, D } = options.spec;
  const B = targets.length / D;
  const spec = 'dropout' in options.spec ? { ...options.spec, dropout: 0 } : options.spec;
  // With β₁ = 0 and no clipping the first moment is the gradient.
  const optimizer = { ...options.optimizer, beta1: 0, clip: 0 };
  const model = await tfjs.createModel({ ...options, spec, optimizer });
  const source = {
    windows: B,
    T,
    D,
    gather(_ids: Uint32Array, intoContexts: Float32Array, intoTargets: Float32Array) {
      intoContexts.set(contexts);
      intoTargets.set(targets);
    },
  };
  try {
    const { total, values, gradNorm } = await model.trainStep({ source, ids: range(0, B), lr: 0, step: 1 });
    return { total, values, gradNorm, gradients: (await model.readOptimizer()).m };
  } finally {
    model.dispose();
  }
}
