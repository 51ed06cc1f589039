/** Stacked LSTM, gates i, f, g, o in PyTorch's order; the last step is projected. B batch, T context length, H hidden. */
import * as tf from '@tensorflow/tfjs-core';
import type { LstmSpec } from '#shared/domain/models/models.ts';
import { affine, inputGates, linear, type Dropout, type Parameter } from '../layers.ts';
import type { Forward } from './forward.ts';

/** x [B, T, D] → raw [B, D]. Dropout between the layers, not after the last. */
export function lstmForward(spec: LstmSpec, parameter: Parameter, x: tf.Tensor3D, dropout: Dropout): Forward {
  let sequence = x;
  let last: tf.Tensor2D | undefined;
  for (let layer = 0; layer < spec.numLayers; layer++) {
    const outputs = lstmLayer(parameter, layer, sequence);
    last = outputs[outputs.length - 1];
    if (layer + 1 < spec.numLayers) sequence = dropout(tf.stack(outputs, 1), spec.dropout) as tf.Tensor3D;
  }
  return { raw: linear(parameter, 'output_proj', last as tf.Tensor2D) };
}

/** x [B, T, I] → T hidden states [B, H]. */
function lstmLayer(parameter: Parameter, layer: number, x: tf.Tensor3D): tf.Tensor2D[] {
  const ofInput = inputGates(x, parameter(`lstm.weight_ih_l${layer}`), parameter(`lstm.bias_ih_l${layer}`));
  const weight = parameter(`lstm.weight_hh_l${layer}`);
  const bias = parameter(`lstm.bias_hh_l${layer}`);
  let h = tf.zeros([x.shape[0], weight.shape[1] as number]) as tf.Tensor2D;
  let c = h;
  return ofInput.map((gatesOfInput) => {
    const [i, f, g, o] = tf.split(tf.add(gatesOfInput, affine(h, weight, bias)) as tf.Tensor2D, 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    return h;
  });
}
