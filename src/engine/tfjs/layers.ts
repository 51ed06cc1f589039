/**
 * Layers shared by the models, as compositions of tfjs operations so that its autodiff covers them. PyTorch's formulas.
 * B batch, T context length, N rows, I in, O out, F features.
 */
import * as tf from '@tensorflow/tfjs-core';
import { timesTransposed } from './products.ts';

const LAYER_NORM_EPS = 1e-5;

/** Looks up one parameter by its PyTorch name. */
export type Parameter = (name: string) => tf.Tensor;

/**
 * Dropout of one forward pass: a mask a call, already scaled by 1/(1 − p), drawn in forward order from the step's own
 * stream; the identity in evaluation.
 */
export type Dropout = <T extends tf.Tensor>(x: T, p: number) => T;
export const noDropout: Dropout = (x) => x;

/** x [N, I] · weightᵀ [I, O] + bias → [N, O]. */
export function linear(parameter: Parameter, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return affine(x, parameter(`${name}.weight`), parameter(`${name}.bias`));
}

/** x [N, I], weight [O, I], bias [O] → [N, O]. */
export function affine(x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.add(timesTransposed(x, weight), bias);
}

/** Over the last axis of x [N, F], biased variance. */
export function layerNorm(parameter: Parameter, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const unit = tf.mul(centred, tf.rsqrt(tf.add(variance, LAYER_NORM_EPS)));
  return tf.add(tf.mul(unit, parameter(`${name}.weight`)), parameter(`${name}.bias`));
}

/** The exact form, x·Φ(x). */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** x [B, T, F] → T tensors [B, F]. */
function steps(x: tf.Tensor3D): tf.Tensor2D[] {
  return tf.unstack(x, 1) as tf.Tensor2D[];
}

/** Gate pre-activations that do not depend on the hidden state, for all positions in one product: T tensors [B, O]. */
export function inputGates(x: tf.Tensor3D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D[] {
  const [B, T, I] = x.shape;
  const rows = affine(tf.reshape(x, [B * T, I]), weight, bias);
  return steps(tf.reshape(rows, [B, T, rows.shape[1]]));
}
