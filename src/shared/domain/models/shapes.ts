/**
 * The tensors of each model under PyTorch state_dict names, with shapes and initialisers. One list, used by every engine,
 * the safetensors reader and writer and the reference checks. D is the vector width, T the context length.
 */
import { extraPrefix, gramShapes, type GramSpec } from './gram.ts';
import {
  inputShift,
  type AmnSpec,
  type GruSpec,
  type LstmSpec,
  type ModelSpec,
  type TransformerSpec,
} from './models.ts';

/** PyTorch's default initialisers: uniform(±bound), or a constant. */
export type Initialiser =
  { readonly kind: 'uniform'; readonly bound: number } | { readonly kind: 'constant'; readonly value: number };

export interface ParameterShape {
  /** PyTorch state_dict name. */
  readonly name: string;
  /** Row-major shape as PyTorch stores it (Linear weight [out, in]). */
  readonly shape: readonly number[];
  readonly init: Initialiser;
  /** A buffer of the state_dict: no gradient, no weight decay. */
  readonly isConstant?: true;
}

const uniform = (bound: number): Initialiser => ({ kind: 'uniform', bound });
const constant = (value: number): Initialiser => ({ kind: 'constant', value });

function linear(name: string, inFeatures: number, outFeatures: number): ParameterShape[] {
  const init = uniform(1 / Math.sqrt(inFeatures));
  return [
    { name: `${name}.weight`, shape: [outFeatures, inFeatures], init },
    { name: `${name}.bias`, shape: [outFeatures], init },
  ];
}

function layerNorm(name: string, features: number): ParameterShape[] {
  return [
    { name: `${name}.weight`, shape: [features], init: constant(1) },
    { name: `${name}.bias`, shape: [features], init: constant(0) },
  ];
}

function recurrentLayer(name: string, layer: number, gates: number, input: number, hidden: number): ParameterShape[] {
  const init = uniform(1 / Math.sqrt(hidden));
  return [
    { name: `${name}.weight_ih_l${layer}`, shape: [gates * hidden, input], init },
    { name: `${name}.weight_hh_l${layer}`, shape: [gates * hidden, hidden], init },
    { name: `${name}.bias_ih_l${layer}`, shape: [gates * hidden], init },
    { name: `${name}.bias_hh_l${layer}`, shape: [gates * hidden], init },
  ];
}

function attention(name: string, width: number): ParameterShape[] {
  return [
    { name: `${name}.in_proj_weight`, shape: [3 * width, width], init: uniform(Math.sqrt(6 / (4 * width))) },
    { name: `${name}.in_proj_bias`, shape: [3 * width], init: constant(0) },
    { name: `${name}.out_proj.weight`, shape: [width, width], init: uniform(1 / Math.sqrt(width)) },
    { name: `${name}.out_proj.bias`, shape: [width], init: constant(0) },
  ];
}

/** The constant of shifted inputs [D], set from the training data. */
export const CORPUS_MEAN = 'corpus_mean';
/** Weights of the context's mean [T], all 1/T: with them in the file, relative weights do not load into an absolute model. */
export const CONTEXT_MEAN_WEIGHTS = 'context_mean_weights';

/** Every stored tensor of a model in state_dict order: the trainable parameters, then the constants. */
export function parameterShapes(spec: ModelSpec): ParameterShape[] {
  return [...trainableShapes(spec), ...constantShapes(spec)];
}

function constantShapes(spec: ModelSpec): ParameterShape[] {
  const { T, D } = spec;
  switch (inputShift(spec)) {
    case undefined:
      return [];
    case 'relative':
      return [{ name: CONTEXT_MEAN_WEIGHTS, shape: [T], init: constant(1 / T), isConstant: true }];
    case 'centred':
      return [{ name: CORPUS_MEAN, shape: [D], init: constant(0), isConstant: true }];
  }
}

function trainableShapes(spec: ModelSpec): ParameterShape[] {
  switch (spec.type) {
    case 'amn':
      return amnShapes(spec);
    case 'lstm':
      return lstmShapes(spec);
    case 'gru':
      return gruShapes(spec);
    case 'transformer':
      return transformerShapes(spec);
    case 'gram':
      return mixtureShapes(spec);
  }
}

function amnShapes({ T, D, dModel, hiddenDim: H, skip }: AmnSpec): ParameterShape[] {
  const half = Math.floor(H / 2);
  return [
    ...linear('context_encoder', D, dModel),
    ...linear('query_encoder', D, dModel),
    ...linear('residual_net.0', 2 * D, H),
    ...layerNorm('residual_net.2', H),
    ...linear('residual_net.3', H, half),
    ...layerNorm('residual_net.5', half),
    ...linear('residual_net.6', half, D),
    ...(skip ? [{ name: 'position_weights', shape: [T, D], init: constant(1 / T) }] : []),
  ];
}

function lstmShapes({ D, hiddenDim: H, numLayers }: LstmSpec): ParameterShape[] {
  const layers = Array.from({ length: numLayers }, (_, i) => recurrentLayer('lstm', i, 4, i === 0 ? D : H, H));
  return [...layers.flat(), ...linear('output_proj', H, D)];
}

function gruShapes({ D, dModel: H, numLayers }: GruSpec): ParameterShape[] {
  const blocks = Array.from({ length: numLayers }, (_, i) => [
    ...recurrentLayer(`blocks.${i}.gru`, 0, 3, H, H),
    ...layerNorm(`blocks.${i}.norm`, H),
  ]);
  return [...linear('input_proj', D, H), ...blocks.flat(), ...linear('output_proj', H, D)];
}

function transformerShapes({ D, dModel: H, numLayers, feedForward }: TransformerSpec): ParameterShape[] {
  const layers = Array.from({ length: numLayers }, (_, i) =>
    decoderLayer(`transformer_decoder.layers.${i}`, H, feedForward),
  );
  return [
    ...linear('input_proj', D, H),
    ...layers.flat(),
    ...linear('head.0', H, H),
    ...layerNorm('head.2', H),
    ...linear('head.3', H, D),
  ];
}

function decoderLayer(name: string, width: number, feedForward: number): ParameterShape[] {
  return [
    ...attention(`${name}.self_attn`, width),
    ...attention(`${name}.multihead_attn`, width),
    ...linear(`${name}.linear1`, width, feedForward),
    ...linear(`${name}.linear2`, feedForward, width),
    ...layerNorm(`${name}.norm1`, width),
    ...layerNorm(`${name}.norm2`, width),
    ...layerNorm(`${name}.norm3`, width),
  ];
}

/** The mixture's own tensors, fitted, not drawn; then those of its extras. */
function mixtureShapes(spec: GramSpec): ParameterShape[] {
  return [
    ...gramShapes(spec).map((tensor) => ({ ...tensor, init: constant(0) })),
    ...spec.extras.flatMap((extra, i) =>
      parameterShapes(extra).map((tensor) => ({ ...tensor, name: extraPrefix(i) + tensor.name })),
    ),
  ];
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Numbers that are trained. */
export function parameterCount(spec: ModelSpec): number {
  return trainableShapes(spec).reduce((sum, p) => sum + elementCount(p.shape), 0);
}
