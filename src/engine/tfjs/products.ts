/**
 * Matrix products that are fast on every backend. The wasm backend has a fast kernel (XNNPACK) only for two plain
 * matrices; a transposition flag sends it to a scalar loop several times slower than transposing first.
 */
import * as tf from '@tensorflow/tfjs-core';

/** a·b with either factor transposed on the way. */
export function product(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  if (tf.getBackend() !== 'wasm' || a.rank !== 2 || b.rank !== 2) return tf.matMul(a, b, transposeA, transposeB);
  return tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b);
}

/** x [N, I] · weightᵀ with weight [O, I] as PyTorch stores it → [N, O]. */
export const timesTransposed = tf.customGrad((x, weight, save) => {
  (save as tf.GradSaveFunc)([x as tf.Tensor, weight as tf.Tensor]);
  return {
    value: product(x as tf.Tensor, weight as tf.Tensor, false, true),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [product(dy, saved[1]), product(dy, saved[0], true)],
  };
});
