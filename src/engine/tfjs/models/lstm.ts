/** Stacked LSTM, gates i, f, g, o in PyTorch's order; the last step is projected. B batch, T context length, H hidden. */
import * as tf from '@tensorflow/tfjs-core';
import type { LstmSpec } from '#shared/domain/models/models.ts';
import { affine, inputGates, linear, type Dropout, type Parameter } from '../layers.ts';
import type { Forward } from './forward.ts';

/** x [B, T, D] → raw [B, D]. Dropout between the layers, not after the last. */
export function lstmForward(spec: LstmSpec, parameter: Parameter, x: tf.Tensor3D, dropout: Dropout): Forward {
  const H = spec.hiddenDim;
  let states = lstmLayer(parameter, 0, H, x);
  for (let layer = 1; layer < spec.numLayers; layer++)
    states = lstmLayer(parameter, layer, H, dropout(tf.stack(states, 1) as tf.Tensor3D, spec.dropout));
  return { raw: linear(parameter, 'output_proj', states[states.length - 1]) };
}

/** x [B, T, I] → T hidden states [B, H]. */
function lstmLayer(parameter: Parameter, layer: number, H: number, x: tf.Tensor3D): tf.Tensor2D[] {
  const ofInput = inputGates(x, parameter(`lstm.weight_ih_l${layer}`), parameter(`lstm.bias_ih_l${layer}`));
  const weight = parameter(`lstm.weight_hh_l${layer}`);
  const bias = parameter(`lstm.bias_hh_l${layer}`);
  let h: tf.Tensor2D = tf.zeros([x.shape[0], H]);
  let c = h;
  return ofInput.map((gatesOfInput) => {
    const [i, f, g, o] = tf.split<tf.Tensor2D>(tf.add(gatesOfInput, affine(h, weight, bias)), 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    return h;
  });
}
