/** Windows and settings for tests of the Gram mixture. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { DEFAULT_GRAM_CONFIG, type GramConfig } from '#engine/gram/config.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import type { GramState } from '#engine/gram/state.ts';
import type { ExtraPart, GramData } from '#engine/gram/types.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import type { NamedTensors, WindowSource } from '#engine/types.ts';
import type { GramSpec } from '#shared/domain/models/gram.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { readNpz } from './npz.ts';
import { simdHost } from './simd-host.ts';

/** The arrays of make_gram.py by name. */
export async function readGramFixture(): Promise<(name: string) => Float32Array> {
  const arrays = await readNpz(resolve('tests/fixtures/gram/mixture.npz'));
  return (name) => {
    const data = arrays.get(name)?.data;
    if (data === undefined || typeof data === 'string') throw new Error(`the fixture has no array "${name}"`);
    return Float32Array.from(data);
  };
}

/** Windows [count, T + 1, D] one after another. */
export function sourceOf(windows: Float32Array, T: number, D: number): WindowSource {
  const size = (T + 1) * D;
  return {
    windows: windows.length / size,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        contexts.set(windows.subarray(id * size, id * size + T * D), row * T * D);
        targets.set(windows.subarray(id * size + T * D, (id + 1) * size), row * D);
      });
    },
  };
}

/** The fixture's settings. */
export const FIXTURE_CONFIG: GramConfig = {
  ...DEFAULT_GRAM_CONFIG,
  filters: [0.1, 1],
  neighbours: [
    { count: 16, tau: 0.05 },
    { count: 64, tau: 0.1 },
  ],
  gate: { ...DEFAULT_GRAM_CONFIG.gate, hidden: 6 },
};

/** For `smallGramData`. */
export const SMALL_CONFIG: GramConfig = {
  ...DEFAULT_GRAM_CONFIG,
  neighbours: [
    { count: 4, tau: 0.05 },
    { count: 16, tau: 0.1 },
  ],
  turnedWindows: 1500,
  gate: { ...DEFAULT_GRAM_CONFIG.gate, hidden: 6, epochs: 3, batch: 128, gates: 2 },
};

/** Type, length and SHA-256 of each array: states are equal where these are, and comparing them is fast. */
export function fingerprint({ version, step, arrays }: GramState) {
  const ofArrays = Array.from(arrays, ([name, array]) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return [name, array.constructor.name, array.length, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return { version, step, arrays: ofArrays };
}

/** A trained mixture and what it predicts for the validation windows. */
export interface SmallMixture {
  readonly spec: GramSpec;
  readonly parameters: NamedTensors;
  /** [B, T, D] */
  readonly contexts: Float32Array;
  readonly B: number;
  /** [B, D] */
  readonly raw: Float32Array;
  /** [B, K] */
  readonly coefficients: Float32Array;
}

/** Trained on `smallGramData`, with the models `extras` among its parts. */
export async function trainSmallMixture(
  changes: Partial<GramConfig> = {},
  extras: readonly ExtraPart[] = [],
): Promise<SmallMixture> {
  const runtime = await createRuntime({ host: await simdHost(), threads: 1 });
  const data = { ...smallGramData(), extras };
  const { source, validation } = data;
  const trainer = await GramTrainer.create(runtime, { data, config: { ...SMALL_CONFIG, ...changes }, seed: 7 });
  while (!trainer.isDone) await trainer.step();
  const model = await trainer.model();
  const B = validation.length;
  const contexts = new Float32Array(B * source.T * source.D);
  source.gather(validation, contexts, new Float32Array(B * source.D));
  const { raw, mixture } = await model.predict(contexts, B);
  const { spec } = model;
  const parameters = model.parameters();
  await trainer.dispose();
  return { spec, parameters, contexts, B, raw, coefficients: mixture.coefficients };
}

const size = { T: 5, D: 20 };
const SMALL_SPECS: readonly GradientSpec[] = [
  { type: 'amn', ...size, dModel: 6, hiddenDim: 18, skip: 'positional', inputs: 'centred' },
  { type: 'lstm', ...size, hiddenDim: 10, numLayers: 2, dropout: 0.1, inputs: 'relative' },
  { type: 'gru', ...size, dModel: 10, numLayers: 2 },
  { type: 'transformer', ...size, dModel: 128, heads: 2, numLayers: 1, feedForward: 24, dropout: 0.1 },
];

/** For `smallGramData`: a model of each type, as initialised but for its constants. Trained anew for one epoch. */
export function smallExtras(): ExtraPart[] {
  const random = new Random(9);
  return SMALL_SPECS.map((spec) => {
    const { inputs } = spec;
    const recipe = RecipeSchema.parse({ dataset: '-', modelType: spec.type, inputs, epochs: 1, batchSize: 256 });
    const parameters = initialParameters(spec, 3);
    for (const name of ['corpus_mean', 'position_weights']) {
      const values = parameters.get(name);
      values?.forEach((_, i) => (values[i] = random.normal()));
    }
    return { spec, recipe, parameters };
  });
}

/** A training of seconds: `articles` random walks with a shared direction, the last three held out. */
export function smallGramData(articles = 20, windowsEach = 40): GramData {
  const T = 5;
  const D = 20;
  const random = new Random(3);
  const windows = new Float32Array(articles * windowsEach * (T + 1) * D);
  let at = 0;
  for (let article = 0; article < articles; article++) {
    const vectors = walk(windowsEach + T, D, random);
    for (let w = 0; w < windowsEach; w++, at += (T + 1) * D) windows.set(vectors.subarray(w * D, (w + T + 1) * D), at);
  }
  const source = sourceOf(windows, T, D);
  const all = Uint32Array.from({ length: source.windows }, (_, id) => id);
  const trained = (articles - 3) * windowsEach;
  const train = all.subarray(0, trained);
  const articleOf = train.map((id) => Math.floor(id / windowsEach));
  const held = all.subarray(trained, trained + windowsEach);
  return {
    source,
    train,
    articles: articleOf,
    validation: held,
    ood: { source, ids: all.subarray(trained + windowsEach) },
  };
}

function walk(count: number, D: number, random: Random): Float32Array {
  const topic = Float32Array.from({ length: D }, () => 0.8 + random.normal());
  const vectors = new Float32Array(count * D);
  for (let i = 0; i < vectors.length; i++) vectors[i] = topic[i % D] += 0.3 * random.normal();
  return vectors;
}
