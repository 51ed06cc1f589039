/**
 * Post-norm Transformer decoder whose memory is its own embedded input; both attentions causal; last step to the head.
 * B batch, T context length, H = dModel, N heads, S = H/N, rows = B·T.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import { positionTable } from '../../positions.ts';
import { affine, gelu, layerNorm, linear, type Dropout, type Parameter } from '../layers.ts';
import type { Forward } from './forward.ts';

/** What all layers share. */
interface Decoder {
  readonly spec: TransformerSpec;
  readonly parameter: Parameter;
  /** Causal, [T, T]; added to the scores. */
  readonly mask: tf.Tensor2D;
  readonly dropout: Dropout;
}

/** x [B, T, D] → raw [B, D]. */
export function transformerForward(
  spec: TransformerSpec,
  parameter: Parameter,
  x: tf.Tensor3D,
  dropout: Dropout,
): Forward {
  const [B, T, D] = x.shape;
  const H = spec.dModel;
  const embedded = tf.reshape(linear(parameter, 'input_proj', tf.reshape(x, [B * T, D])), [B, T, H]);
  const memory: tf.Tensor2D = tf.reshape(tf.add(embedded, positions(T, H)), [B * T, H]);
  const decoder: Decoder = { spec, parameter, mask: tf.tensor2d(causalMask(T), [T, T]), dropout };
  let h = memory;
  let shares: tf.Tensor4D | null = null;
  for (let layer = 0; layer < spec.numLayers; layer++) ({ h, shares } = decoderLayer(decoder, layer, h, memory));
  const last: tf.Tensor2D = tf.reshape(tf.slice(tf.reshape(h, [B, T, H]), [0, T - 1, 0], [B, 1, H]), [B, H]);
  const head = layerNorm(parameter, 'head.2', gelu(linear(parameter, 'head.0', last)));
  const raw = linear(parameter, 'head.3', head);
  return shares ? { raw, attention: lastStepShares(shares) } : { raw };
}

/** Attention of the last step of a layer to the context, mean over its heads. shares [B, N, T, T] → [B, T] */
function lastStepShares(shares: tf.Tensor4D): tf.Tensor2D {
  const [B, N, T] = shares.shape;
  return tf.mean(tf.reshape(tf.slice(shares, [0, 0, T - 1, 0], [B, N, 1, T]), [B, N, T]), 1);
}

/** h, memory [rows, H] → h [rows, H] and the shares of its attention to the memory [B, N, T, T]. */
function decoderLayer(
  decoder: Decoder,
  layer: number,
  h: tf.Tensor2D,
  memory: tf.Tensor2D,
): { h: tf.Tensor2D; shares: tf.Tensor4D } {
  const { spec, parameter, dropout } = decoder;
  const name = `transformer_decoder.layers.${layer}`;
  const drop = (x: tf.Tensor2D) => dropout(x, spec.dropout);
  const attend = (kind: string, queries: tf.Tensor2D, keys: tf.Tensor2D) =>
    attention(decoder, `${name}.${kind}`, queries, keys);
  h = layerNorm(parameter, `${name}.norm1`, tf.add(h, drop(attend('self_attn', h, h).mixed)));
  const { mixed, shares } = attend('multihead_attn', h, memory);
  h = layerNorm(parameter, `${name}.norm2`, tf.add(h, drop(mixed)));
  const hidden = drop(tf.relu(linear(parameter, `${name}.linear1`, h)));
  h = layerNorm(parameter, `${name}.norm3`, tf.add(h, drop(linear(parameter, `${name}.linear2`, hidden))));
  return { h, shares };
}

/** PyTorch's MultiheadAttention: in_proj rows are queries, keys, values. from, to [rows, H] → mixed [rows, H], shares [B, N, T, T]. */
function attention(
  { spec, parameter, mask, dropout }: Decoder,
  name: string,
  from: tf.Tensor2D,
  to: tf.Tensor2D,
): { mixed: tf.Tensor2D; shares: tf.Tensor4D } {
  const T = mask.shape[0];
  const [rows, H] = from.shape;
  const N = spec.heads;
  const weights = tf.split(parameter(`${name}.in_proj_weight`), 3, 0);
  const biases = tf.split(parameter(`${name}.in_proj_bias`), 3, 0);
  const heads = [from, to, to].map((x, i) =>
    tf.transpose(tf.reshape(affine(x, weights[i], biases[i]), [rows / T, T, N, H / N]), [0, 2, 1, 3]),
  );
  const scores = tf.div(tf.matMul(heads[0], heads[1], false, true), Math.sqrt(H / N));
  const shares = dropout<tf.Tensor4D>(tf.softmax(tf.add(scores, mask)), spec.dropout);
  const mixed: tf.Tensor2D = tf.reshape(tf.transpose(tf.matMul(shares, heads[2]), [0, 2, 1, 3]), [rows, H]);
  return { mixed: linear(parameter, `${name}.out_proj`, mixed), shares };
}

/** 0 where attention is allowed, −1e9 (not −∞, which some backends turn into NaN) elsewhere. [T, T] */
export function causalMask(T: number): Float32Array<ArrayBuffer> {
  const mask = new Float32Array(T * T);
  for (let i = 0; i < T; i++) mask.fill(-1e9, i * T + i + 1, (i + 1) * T);
  return mask;
}

function positions(T: number, H: number): tf.Tensor2D {
  return tf.tensor2d(positionTable(T, H), [T, H]);
}
