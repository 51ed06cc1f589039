/** Attention mixture network. B batch, T context length, D width, A = dModel. */
import * as tf from '@tensorflow/tfjs-core';
import type { AmnSpec } from '#shared/domain/models/models.ts';
import { gelu, layerNorm, linear, type Parameter } from '../layers.ts';
import type { Forward } from './forward.ts';

/** x [B, T, D] → raw [B, D], attention [B, T]. */
export function amnForward(spec: AmnSpec, parameter: Parameter, x: tf.Tensor3D): Forward {
  const [B, T, D] = x.shape;
  const base: tf.Tensor2D = tf.mean(x, 1);
  const attention: tf.Tensor2D = tf.softmax(tf.div(scores(parameter, x, base), Math.sqrt(spec.dModel)));
  const mix: tf.Tensor2D = tf.reshape(tf.matMul(tf.reshape(attention, [B, 1, T]), x), [B, D]);
  let h: tf.Tensor2D = tf.concat([base, mix], 1);
  h = layerNorm(parameter, 'residual_net.2', gelu(linear(parameter, 'residual_net.0', h)));
  h = layerNorm(parameter, 'residual_net.5', gelu(linear(parameter, 'residual_net.3', h)));
  const skip = spec.skip ? tf.sum(tf.mul(x, parameter('position_weights')), 1) : base;
  return { raw: tf.add(skip, linear(parameter, 'residual_net.6', h)), attention };
}

/** query·(W x_t + b) = (Wᵀ query)·x_t + query·b: one product a sequence instead of one a position. → [B, T] */
function scores(parameter: Parameter, x: tf.Tensor3D, base: tf.Tensor2D): tf.Tensor2D {
  const [B, T, D] = x.shape;
  const query = linear(parameter, 'query_encoder', base);
  const folded = tf.matMul(query, parameter('context_encoder.weight'));
  const products = tf.reshape(tf.matMul(x, tf.reshape(folded, [B, D, 1])), [B, T]);
  return tf.add(products, tf.sum(tf.mul(query, parameter('context_encoder.bias')), 1, true));
}
