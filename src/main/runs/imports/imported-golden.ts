/** The golden pair of an imported model: its contexts, the engines that make and reproduce it. */
import type { Split } from '#engine/evaluation/windows.ts';
import { stream } from '#engine/random.ts';
import { openEngine } from '#engine/registry.ts';
import type { GoldenPair } from '#engine/trainer/types.ts';
import type { EngineName, NamedTensors, Predictor } from '#engine/types.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { lossConfig, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { openModel } from '../../evaluation/model.ts';
import { nodeEngineHost } from '../../processes/engine-host.ts';

const GOLDEN_ROWS = 8;
const MAX_BATCH = 256;

export interface GoldenEngines {
  readonly makes: EngineName;
  readonly reproduces: EngineName;
}

/** Two implementations of the forward pass; of a Gram mixture there is one. */
export function goldenEngines(spec: ModelSpec): GoldenEngines {
  return spec.type === 'gram' ? { makes: 'simd', reproduces: 'simd' } : { makes: 'wasm', reproduces: 'cpu' };
}

export interface ImportedModel {
  readonly spec: ModelSpec;
  readonly parameters: NamedTensors;
  readonly recipe: Recipe;
  readonly resourcesDir: string;
}

/** Opens the model on one engine for as long as `work` needs it. */
export async function withModel<R>(
  { spec, parameters, recipe, resourcesDir }: ImportedModel,
  name: EngineName,
  work: (model: Predictor) => Promise<R>,
): Promise<R> {
  if (spec.type === 'gram') {
    // Also the windows of a data set.
    const most = { maxBatch: MAX_BATCH, rows: Infinity };
    const opened = await openModel({ recipe, spec, resourcesDir, engine: name, parameters, ...most });
    try {
      return await work(opened.model);
    } finally {
      await opened.close();
    }
  }
  const engine = await openEngine(name, nodeEngineHost(resourcesDir));
  try {
    const model = await engine.createModel({
      spec,
      loss: lossConfig(recipe, spec.D),
      optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: recipe.weightDecay, clip: recipe.clip },
      seed: recipe.seed,
      parameters,
      maxBatch: MAX_BATCH,
    });
    try {
      return await work(model);
    } finally {
      model.dispose();
    }
  } finally {
    await engine.dispose();
  }
}

/** Real windows where there are some, else random walks of unit vectors. */
export async function makeGolden(model: Predictor, validation: Split | null, seed: number): Promise<GoldenPair> {
  const { T, D } = model.spec;
  const ids = validation?.ids.slice(0, GOLDEN_ROWS);
  const B = ids?.length ?? GOLDEN_ROWS;
  const contexts = new Float32Array(B * T * D);
  if (validation && ids) validation.source.gather(ids, contexts, new Float32Array(B * D));
  else randomWalks(contexts, model.spec, seed);
  return { contexts, raw: (await model.predict(contexts, B)).raw, B };
}

function randomWalks(contexts: Float32Array, { T, D }: ModelSpec, seed: number): void {
  const random = stream(seed, 'probe');
  for (let row = 0; row < contexts.length / D; row++) {
    const isFirst = row % T === 0;
    let sum = 0;
    for (let d = row * D; d < (row + 1) * D; d++) {
      contexts[d] = (isFirst ? 0 : contexts[d - D]) + random.normal() / Math.sqrt(D);
      sum += contexts[d] ** 2;
    }
    for (let d = row * D; d < (row + 1) * D; d++) contexts[d] /= Math.sqrt(sum);
  }
}
