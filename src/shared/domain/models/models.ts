/**
 * The next-vector predictors: what each offers, and their sizes. Their tensors are in `shapes.ts`. D is the vector width,
 * T the context length.
 */
import { z } from 'zod';
import { GRADIENT_LABELS, GradientSpecSchema, type GradientSpec, type InputShift } from './gradient-specs.ts';
import { defaultGramSpec, GramSpecSchema } from './gram.ts';
import { listed } from '../figures.ts';
import { keysOf, recordOf } from '../records.ts';

export { INPUT_SHIFTS, type GradientSpec, type InputShift } from './gradient-specs.ts';

export const ModelSpecSchema = z.discriminatedUnion('type', [...GradientSpecSchema.options, GramSpecSchema]);
export type ModelSpec = z.infer<typeof ModelSpecSchema>;
export type AmnSpec = Extract<ModelSpec, { type: 'amn' }>;
export type LstmSpec = Extract<ModelSpec, { type: 'lstm' }>;
export type GruSpec = Extract<ModelSpec, { type: 'gru' }>;
export type TransformerSpec = Extract<ModelSpec, { type: 'transformer' }>;

export type ModelType = ModelSpec['type'];

export interface ModelRow {
  readonly label: string;
  /** For the form and the command line. */
  readonly help: string;
  /**
   * How it is trained: 'gradient' is AdamW in epochs over batches, by any engine (`engine/trainer`); 'fit' is by ridges and
   * a gate, by the kernels of `simd` (`engine/gram`).
   */
  readonly training: 'gradient' | 'fit';
  /**
   * One attention weight per context position: of the model itself, by every engine; of the last layer, by the engines
   * that keep it (not simd); or none.
   */
  readonly attention: 'own' | 'last-layer' | 'none';
  /** What the residual may be added to, and what training may start from; the first is the default. */
  readonly skips: readonly ('mean' | 'positional')[];
  readonly starts: readonly ('random' | 'least-squares')[];
  /** Whether its prediction depends on the order of the context. */
  readonly seesOrder: 'yes' | 'with-positional-skip';
}

/** What each model offers. Its parameters, sizes and layers are the switches below, in `infer-model.ts` and in each engine. */
export const MODEL_TABLE = {
  amn: {
    label: GRADIENT_LABELS.amn,
    help: 'the smallest; without the positional skip path it does not see the order of its context',
    training: 'gradient',
    attention: 'own',
    skips: ['mean', 'positional'],
    starts: ['random', 'least-squares'],
    seesOrder: 'with-positional-skip',
  },
  lstm: {
    label: GRADIENT_LABELS.lstm,
    help: 'recurrent, two layers',
    training: 'gradient',
    attention: 'none',
    skips: ['mean'],
    starts: ['random'],
    seesOrder: 'yes',
  },
  gru: {
    label: GRADIENT_LABELS.gru,
    help: 'recurrent, four residual layers',
    training: 'gradient',
    attention: 'none',
    skips: ['mean'],
    starts: ['random'],
    seesOrder: 'yes',
  },
  transformer: {
    label: GRADIENT_LABELS.transformer,
    help: 'the largest; causal decoder layers',
    training: 'gradient',
    attention: 'last-layer',
    skips: ['mean'],
    starts: ['random'],
    seesOrder: 'yes',
  },
  gram: {
    label: 'Gram mixture',
    help: 'ridges, neighbours and context vectors, mixed by a small gate; choose it with the preset "robust"',
    training: 'fit',
    attention: 'none',
    skips: ['mean'],
    starts: ['random'],
    seesOrder: 'yes',
  },
} as const satisfies Record<ModelType, ModelRow>;

export type GradientType = GradientSpec['type'];

export const MODEL_TYPES: readonly ModelType[] = keysOf(MODEL_TABLE);

/** Types that every engine trains. */
export const GRADIENT_TYPES = MODEL_TYPES.filter(
  (type): type is GradientType => modelRow(type).training === 'gradient',
);

/** A row of the table, typed as any row, to ask what the model offers. */
export function modelRow(type: ModelType): ModelRow {
  return MODEL_TABLE[type];
}

export const MODEL_LABELS: Readonly<Record<ModelType, string>> = recordOf(
  MODEL_TYPES,
  (type) => MODEL_TABLE[type].label,
);

/** Types of which `offers` holds, in words: "AMN, LSTM and GRU stack". */
export function modelsThat(offers: (row: ModelRow) => boolean): string {
  return listed(MODEL_TYPES.filter((type) => offers(modelRow(type))).map((type) => MODEL_LABELS[type]));
}

/** Width of the sinusoidal positions that a model adds to its input; null: it adds none. */
export function positionWidth(spec: ModelSpec): number | null {
  switch (spec.type) {
    case 'amn':
    case 'lstm':
    case 'gru':
    case 'gram':
      return null;
    case 'transformer':
      return spec.dModel;
  }
}

/** The sizes every published run used (domain: 1,510,912 / 5,120,768 / 7,095,552 / 17,867,520 parameters at D = 768). */
export function defaultGradientSpec(type: GradientType, T: number, D: number): GradientSpec {
  switch (type) {
    case 'amn':
      return { type, T, D, dModel: 256, hiddenDim: 512 };
    case 'lstm':
      return { type, T, D, hiddenDim: 512, numLayers: 2, dropout: 0.2 };
    case 'gru':
      return { type, T, D, dModel: 512, numLayers: 4 };
    case 'transformer':
      return { type, T, D, dModel: 512, heads: 8, numLayers: 4, feedForward: 2048, dropout: 0.1 };
  }
}

/** The sizes of a recipe that names none. */
export function defaultSpec(type: ModelType, T: number, D: number): ModelSpec {
  return type === 'gram' ? defaultGramSpec(T, D) : defaultGradientSpec(type, T, D);
}

/** Why there is no model of these sizes, e.g. heads that do not divide the width; null: there is one. */
export function sizesProblem(spec: ModelSpec): string | null {
  if (spec.type === 'transformer' && spec.dModel % spec.heads !== 0)
    return `A width dModel of ${spec.dModel} cannot be split into ${spec.heads} attention heads.`;
  if (spec.type === 'amn' && spec.hiddenDim < 2)
    return `The second hidden layer has half the width of the first, so hiddenDim cannot be ${spec.hiddenDim}.`;
  if (spec.type === 'gram' && !spec.ridges.includes(spec.startRidge))
    return `The gate starts from the ridge of λ ${spec.startRidge}, which is none of ${spec.ridges.join(', ')}.`;
  if (spec.type === 'gram' && spec.neighbours.length > 0 && spec.keys === 0)
    return 'Means over neighbours need keys to search, and there are none.';
  return null;
}

/** undefined: the network reads the vectors as they are. */
export function inputShift(spec: ModelSpec): InputShift | undefined {
  return 'inputs' in spec ? spec.inputs : undefined;
}
