/** Stack of residual GRU blocks, gates r, z, n in PyTorch's form. B batch, T context length, H = dModel. */
import * as tf from '@tensorflow/tfjs-core';
import type { GruSpec } from '#shared/domain/models/models.ts';
import { affine, inputGates, layerNorm, linear, type Parameter } from '../layers.ts';
import type { Forward } from './forward.ts';

/** x [B, T, D] → raw [B, D]. */
export function gruForward(spec: GruSpec, parameter: Parameter, x: tf.Tensor3D): Forward {
  const [B, T, D] = x.shape;
  const H = spec.dModel;
  let h = linear(parameter, 'input_proj', tf.reshape(x, [B * T, D]));
  for (let block = 0; block < spec.numLayers; block++) {
    const states = gruLayer(parameter, `blocks.${block}.gru`, tf.reshape(h, [B, T, H]));
    const residual: tf.Tensor2D = tf.add(h, tf.reshape(tf.stack(states, 1), [B * T, H]));
    h = layerNorm(parameter, `blocks.${block}.norm`, residual);
  }
  const last: tf.Tensor2D = tf.reshape(tf.slice(tf.reshape(h, [B, T, H]), [0, T - 1, 0], [B, 1, H]), [B, H]);
  return { raw: linear(parameter, 'output_proj', last) };
}

/** x [B, T, H] → T hidden states [B, H]; the reset gate is applied to W_hn h + b_hn, as in PyTorch. */
function gruLayer(parameter: Parameter, name: string, x: tf.Tensor3D): tf.Tensor2D[] {
  const ofInput = inputGates(x, parameter(`${name}.weight_ih_l0`), parameter(`${name}.bias_ih_l0`));
  const weight = parameter(`${name}.weight_hh_l0`);
  const bias = parameter(`${name}.bias_hh_l0`);
  let h: tf.Tensor2D = tf.zeros([x.shape[0], x.shape[2]]);
  return ofInput.map((gatesOfInput) => {
    const [ri, zi, ni] = tf.split(gatesOfInput, 3, 1);
    const [rh, zh, nh] = tf.split(affine(h, weight, bias), 3, 1);
    const reset = tf.sigmoid(tf.add(ri, rh));
    const update = tf.sigmoid(tf.add(zi, zh));
    const candidate = tf.tanh(tf.add(ni, tf.mul(reset, nh)));
    h = tf.add(candidate, tf.mul(update, tf.sub(h, candidate)));
    return h;
  });
}
