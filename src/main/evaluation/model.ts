/** Opens a model for evaluation on an engine that runs here: the one forward implementation training used. */
import { openEngine } from '#engine/registry.ts';
import type { Engine, EngineName, NamedTensors, TrainableModel } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { lossConfig, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';

export interface OpenModel {
  readonly engine: Engine;
  readonly model: TrainableModel;
  close(): Promise<void>;
}

export interface OpenModelOptions {
  readonly recipe: Recipe;
  readonly spec: ModelSpec;
  readonly resourcesDir: string;
  /** Tried first. */
  readonly engine: EngineName | null;
  readonly parameters: NamedTensors;
  readonly maxBatch: number;
}

/** Fast ones first; the plain JavaScript one always runs. */
const FALLBACKS: readonly EngineName[] = ['simd', 'wasm', 'cpu'];

export async function openModel(options: OpenModelOptions): Promise<OpenModel> {
  const { recipe, spec, parameters, maxBatch } = options;
  const host = nodeEngineHost(options.resourcesDir);
  const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: recipe.weightDecay, clip: recipe.clip };
  const names = [...new Set([...(options.engine ? [options.engine] : []), ...FALLBACKS])];
  const reasons: string[] = [];
  for (const name of names) {
    let engine: Engine | null = null;
    try {
      engine = await openEngine(name, host, { threads: recipe.threads ?? undefined });
      const model = await engine.createModel({
        spec,
        loss: lossConfig(recipe, spec.D),
        optimizer,
        seed: recipe.seed,
        parameters,
        maxBatch,
      });
      return { engine, model, close: closer(engine, model) };
    } catch (error) {
      await engine?.dispose();
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new NextvecError('ENGINE_UNAVAILABLE', `No engine can run this ${spec.type} here. ${reasons.join('; ')}`, {
    remedy: '"nextvec doctor" says what each engine lacks.',
  });
}

function closer(engine: Engine, model: TrainableModel): () => Promise<void> {
  return async () => {
    model.dispose();
    await engine.dispose();
  };
}
