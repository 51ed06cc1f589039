/**
 * AdamW with decoupled weight decay and global-norm clipping, once for all tfjs backends (tfjs has neither).
 * PyTorch's arithmetic: clip coefficient min(1, clip/(norm + 1e-6)), ε added after the bias-corrected root.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig } from '../types.ts';

/** One parameter and its moments, all of one shape. Owned by the model, replaced by every update. */
export interface Slot {
  parameter: tf.Tensor;
  m: tf.Tensor;
  v: tf.Tensor;
}

/** Global L2 norm of a list of tensors, scalar. (Not by `addN`: WebGPU silently fails on more than eight.) */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.sqrt(tensors.map(sumOfSquares).reduce((sum, next) => tf.add(sum, next)));
}

/** Row by row first: one float32 sum over a million elements would be wrong in the fourth digit. */
function sumOfSquares(x: tf.Tensor): tf.Scalar {
  const squares = tf.square(x);
  return tf.sum(x.rank > 1 ? tf.sum(squares, -1) : squares);
}

/** Factor every gradient is multiplied by; 1 when clipping is off. */
export function clipFactor(norm: tf.Scalar, clip: number): tf.Scalar {
  if (clip <= 0) return tf.scalar(1);
  return tf.minimum(tf.div(clip, tf.add(norm, 1e-6)), 1);
}

/** What all parameters of one update share. */
interface UpdateStep {
  /** Of `clipFactor`. */
  readonly factor: tf.Scalar;
  readonly lr: number;
  /** 1-based. */
  readonly step: number;
}

/** Replaces the slot's tensors by those after the step; disposes of the old ones and of `gradient`. */
export function adamwUpdate(
  config: OptimizerConfig,
  slot: Slot,
  gradient: tf.Tensor,
  { factor, lr, step }: UpdateStep,
): void {
  const { beta1, beta2 } = config;
  const stepSize = lr / (1 - beta1 ** step);
  const rootOfCorrection = Math.sqrt(1 - beta2 ** step);
  const next = tf.tidy(() => {
    const g = tf.mul(gradient, factor);
    const m = tf.add(tf.mul(slot.m, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(slot.v, beta2), tf.mul(tf.square(g), 1 - beta2));
    const denominator = tf.add(tf.div(tf.sqrt(v), rootOfCorrection), config.eps);
    const decayed = tf.mul(slot.parameter, 1 - lr * config.weightDecay);
    return { parameter: tf.sub(decayed, tf.mul(tf.div(m, denominator), stepSize)), m, v };
  });
  tf.dispose([slot.parameter, slot.m, slot.v, gradient]);
  Object.assign(slot, next);
}
