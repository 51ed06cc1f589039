/** The result of a model's forward pass. */
import type * as tf from '@tensorflow/tfjs-core';

export type Forward = {
  /** [B, D], before normalisation. */
  readonly raw: tf.Tensor2D;
  /** [B, T]: AMN's weights, or the Transformer's last layer at the last step, mean over its heads. */
  readonly attention?: tf.Tensor2D;
};
