/**
 * Matrix products that are fast on every backend. The wasm backend has a fast kernel (XNNPACK) only for two plain
 * matrices; a transposition flag sends it to a scalar loop several times slower than transposing first.
 */
import * as tf from '@tensorflow/tfjs-core';
import { customGradient } from './custom-gradient.ts';

/** a·b with either factor transposed on the way. */
export function product(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  if (tf.getBackend() !== 'wasm' || a.rank !== 2 || b.rank !== 2) return tf.matMul(a, b, transposeA, transposeB);
  return tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b);
}

/** x [N, I] · weightᵀ with weight [O, I] as PyTorch stores it → [N, O]. */
export const timesTransposed = customGradient((x: tf.Tensor, weight: tf.Tensor) => ({
  value: product(x, weight, false, true),
  saved: [x, weight],
  gradient: (dy, saved) => [product(dy, saved[1]), product(dy, saved[0], true)],
}));
