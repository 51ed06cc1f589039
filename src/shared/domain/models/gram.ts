/**
 * The Gram mixture: its settings, its parts, and its tensors. The prediction is Σ_k a_k·c_k over K parts c_k; a gate reads
 * the Gram matrix of the parts and gives the coefficients a_k. T context length, D vector width, M = K(K + 1)/2.
 */
import { z } from 'zod';
import { inputNames } from '../datasets/task.ts';
import { GRADIENT_LABELS, GradientSpecSchema, type GradientSpec } from './gradient-specs.ts';

const size = z.int().min(1).max(65_536);
const positive = z.number().gt(0).max(1e9);

const NeighboursSchema = z.object({
  /** Training windows averaged. */
  count: z.int().min(1).max(4096),
  /** Temperature of the softmax over their similarities. */
  tau: positive,
});
export type Neighbours = z.infer<typeof NeighboursSchema>;

const mixtureFields = {
  /** λ of the ridges on p, in units of the sum over unit windows. The gate starts from `startRidge`, one of them. */
  ridges: z.array(positive).min(1).max(16),
  startRidge: positive,
  /** λ of the pooled ridges on [p, x_T]. */
  pooledRidges: z.array(positive).max(16),
  /**
   * ν of the spectral filters (S + νI)⁻¹S with S = PᵀP, in units of its mean eigenvalue; each gives a part of p and one of
   * x_T. They know which directions of the embedding carry topics, not which topics, and so hold in other domains.
   */
  filters: z.array(positive).max(16),
  /** Empty: no neighbours. */
  neighbours: z.array(NeighboursSchema).max(8),
};
/** Most trained models among the parts. */
export const MOST_EXTRAS = 8;

const MixtureSchema = z.object(mixtureFields);
/** What the parts are made of. */
export type Mixture = z.infer<typeof MixtureSchema>;

export const GramSpecSchema = z.object({
  type: z.literal('gram'),
  T: size,
  D: size,
  /** Hidden units of a gate. */
  hiddenDim: size,
  /** Gates whose coefficients are averaged. */
  gates: z.int().min(1).max(64),
  /** Training windows kept for the neighbours; before the data are known, the most that are kept. */
  keys: z.int().min(0).max(1_048_576),
  ...mixtureFields,
  /** Trained models that are further parts. */
  extras: z.array(GradientSpecSchema).max(MOST_EXTRAS).default([]),
});
export type GramSpec = z.infer<typeof GramSpecSchema>;

/** Fewest articles of a cluster on average; training needs two clusters, to hold one out. */
export const ARTICLES_PER_CLUSTER = 4;

/** The settings of the preset. */
export const DEFAULT_MIXTURE: Mixture = {
  ridges: [3, 30, 300],
  startRidge: 30,
  pooledRidges: [30, 300],
  filters: [0.1, 1, 10],
  neighbours: [
    { count: 32, tau: 0.05 },
    { count: 256, tau: 0.1 },
  ],
};

export function defaultGramSpec(T: number, D: number): GramSpec {
  return { type: 'gram', T, D, hiddenDim: 32, gates: 3, keys: 65_536, ...DEFAULT_MIXTURE, extras: [] };
}

/** The spec with trained models among its parts. */
export function withExtras(spec: GramSpec, extras: readonly GradientSpec[]): GramSpec {
  return { ...spec, extras: [...extras] };
}

/** The spec for a training set of `windows` windows, which bound the keys. */
export function withTrainingWindows(spec: GramSpec, windows: number): GramSpec {
  return { ...spec, keys: spec.neighbours.length === 0 ? 0 : Math.min(spec.keys, windows) };
}

/** Groups of articles that are held out in turn, and windows that train the gates and are measured after each epoch. */
const FOLDS = 5;
const GATE_ROWS = 10_500;
const MEASURED_ROWS = 16_384;

/** What a fit needs beside the data, bytes: an estimate. */
export function gramMemoryBytes(spec: GramSpec): number {
  const { T, D, keys, ridges, pooledRidges, filters } = spec;
  const K = listParts(spec, T).length;
  const M = (K * (K + 1)) / 2;
  const maps = D * D * (ridges.length + 2 * pooledRidges.length + filters.length);
  // The maps of all folds, and those in use; the keys with their targets; sums and a system of float64.
  const kernels = 4 * (maps + 2 * keys * D) + 8 * (6 * D * D + 6 * D * D);
  // Statistics, for a moment twice; those that train the gates also standardised.
  const statistics = 4 * (M + K) * (3 * GATE_ROWS + MEASURED_ROWS);
  // The checkpoint of the model and its bytes read back.
  const written = 2 * 4 * (maps + 2 * keys * D);
  return kernels + 4 * maps * FOLDS + statistics + written;
}

export const PART_KINDS = [
  'context',
  'mean',
  'ridge',
  'pooledRidge',
  'neighbours',
  'filteredSkip',
  'filteredLast',
  'extra',
] as const;

/** A candidate for the next vector. `index` counts among those of its kind. */
export interface Part {
  readonly kind: (typeof PART_KINDS)[number];
  readonly index: number;
  /** For people, e.g. "x 5", "ridge λ 30". */
  readonly name: string;
}

/** What decides the parts: the settings, and the trained models among them. */
export interface PartsSpec extends Mixture {
  readonly extras: readonly GradientSpec[];
}

/** The parts in the order of coefficients and Gram matrices. `inputs`: names of the T inputs. */
export function listParts(mixture: PartsSpec, T: number, inputs = inputNames(T, null)): readonly Part[] {
  return [
    ...inputs.map((name, index): Part => ({ kind: 'context', index, name })),
    { kind: 'mean', index: 0, name: 'corpus mean' },
    ...mixture.ridges.map((lambda, index): Part => ({ kind: 'ridge', index, name: `ridge λ ${lambda}` })),
    ...mixture.pooledRidges.map((lambda, index): Part => ({
      kind: 'pooledRidge',
      index,
      name: `pooled ridge λ ${lambda}`,
    })),
    ...mixture.neighbours.map(({ count }, index): Part => ({ kind: 'neighbours', index, name: `${count} neighbours` })),
    ...mixture.filters.map((nu, index): Part => ({ kind: 'filteredSkip', index, name: `filtered skip ν ${nu}` })),
    ...mixture.filters.map((nu, index): Part => ({
      kind: 'filteredLast',
      index,
      name: `filtered ${inputs[T - 1]} ν ${nu}`,
    })),
    ...mixture.extras.map((_, index): Part => ({ kind: 'extra', index, name: extraName(mixture.extras, index) })),
  ];
}

/** The model's label, numbered where there are several of its type: "AMN", "LSTM 2". */
function extraName(extras: readonly GradientSpec[], index: number): string {
  const { type } = extras[index];
  const sameType = extras.flatMap((other, i) => (other.type === type ? [i] : []));
  return sameType.length === 1 ? GRADIENT_LABELS[type] : `${GRADIENT_LABELS[type]} ${sameType.indexOf(index) + 1}`;
}

/** What stands before the names of the tensors of a trained model among the parts. */
export function extraPrefix(index: number): string {
  return `extras.${index}.`;
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensor that holds each setting. */
export const SETTINGS_TENSORS = {
  ridges: 'settings.ridges',
  startRidge: 'settings.start_ridge',
  pooledRidges: 'settings.pooled_ridges',
  filters: 'settings.filters',
  neighbours: 'settings.neighbours',
} as const satisfies Record<keyof Mixture, string>;

/** Standard deviations of the gate's features; that of a constant feature is Infinity. */
export const GATE_STD = 'gate_std';

/**
 * Every tensor of a mixture under its name, apart from those of `extras`; linear weights are [out, in], as in PyTorch. The settings are among them, so
 * that a file of the tensors alone can be loaded.
 */
export function gramShapes(spec: GramSpec): NamedShape[] {
  const { T, D, hiddenDim, gates, keys, ridges, pooledRidges, filters, neighbours } = spec;
  const K = listParts(spec, T).length;
  const M = (K * (K + 1)) / 2;
  const maps = (name: string, count: number, inputs: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${name}.${i}.weight`, shape: [D, inputs * D] }));
  return [
    { name: SETTINGS_TENSORS.ridges, shape: [ridges.length] },
    { name: SETTINGS_TENSORS.startRidge, shape: [1] },
    { name: SETTINGS_TENSORS.pooledRidges, shape: [pooledRidges.length] },
    { name: SETTINGS_TENSORS.filters, shape: [filters.length] },
    { name: SETTINGS_TENSORS.neighbours, shape: [neighbours.length, 2] },
    { name: 'position_weights', shape: [T] },
    { name: 'mean', shape: [D] },
    ...maps('ridges', ridges.length, 1),
    ...maps('pooled_ridges', pooledRidges.length, 2),
    ...maps('filters', filters.length, 1),
    { name: 'keys', shape: [keys, D] },
    { name: 'values', shape: [keys, D] },
    { name: 'gate_mean', shape: [M] },
    { name: GATE_STD, shape: [M] },
    { name: 'scale', shape: [K] },
    { name: 'start', shape: [K] },
    ...Array.from({ length: gates }, (_, g) => [
      { name: `gates.${g}.0.weight`, shape: [hiddenDim, M] },
      { name: `gates.${g}.0.bias`, shape: [hiddenDim] },
      { name: `gates.${g}.2.weight`, shape: [K, hiddenDim] },
      { name: `gates.${g}.2.bias`, shape: [K] },
    ]).flat(),
  ];
}

/** The settings as tensors, in the names and shapes of `gramShapes`. */
export function settingsTensors(mixture: Mixture): Map<string, Float32Array<ArrayBuffer>> {
  return new Map([
    [SETTINGS_TENSORS.ridges, Float32Array.from(mixture.ridges)],
    [SETTINGS_TENSORS.startRidge, Float32Array.of(mixture.startRidge)],
    [SETTINGS_TENSORS.pooledRidges, Float32Array.from(mixture.pooledRidges)],
    [SETTINGS_TENSORS.filters, Float32Array.from(mixture.filters)],
    [SETTINGS_TENSORS.neighbours, Float32Array.from(mixture.neighbours.flatMap(({ count, tau }) => [count, tau]))],
  ]);
}

/**
 * The settings in tensors that `settingsTensors` made, by their names; a float32 of a decimal is read as the decimal.
 * Throws a ZodError with the setting at fault first in its path.
 */
export function settingsOf(tensor: (name: string) => Float32Array): Mixture {
  const numbers = (name: string) => Array.from(tensor(name), (value) => Number(value.toPrecision(7)));
  const pairs = numbers(SETTINGS_TENSORS.neighbours);
  return MixtureSchema.parse({
    ridges: numbers(SETTINGS_TENSORS.ridges),
    startRidge: numbers(SETTINGS_TENSORS.startRidge)[0],
    pooledRidges: numbers(SETTINGS_TENSORS.pooledRidges),
    filters: numbers(SETTINGS_TENSORS.filters),
    neighbours: Array.from({ length: pairs.length / 2 }, (_, i) => ({ count: pairs[2 * i], tau: pairs[2 * i + 1] })),
  });
}
