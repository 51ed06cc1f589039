/** Opens a model for evaluation on an engine that runs here: the one forward implementation training used. */
import { GramModel } from '#engine/gram/model.ts';
import { openEngine } from '#engine/registry.ts';
import { runtimeInfo } from '#engine/simd/index.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import type { Engine, EngineInfo, EngineName, NamedTensors, Predictor, TrainableModel } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { GramSpec } from '#shared/domain/models/gram.ts';
import type { GradientSpec, ModelSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { lossConfig, optimizerConfig, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { LoadedCheckpoint } from '../checkpoints/read.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';

export interface OpenModel<Model extends Predictor = Predictor> extends AsyncDisposable {
  readonly info: EngineInfo;
  readonly model: Model;
  close(): Promise<void>;
}

export interface OpenModelOptions<Spec extends ModelSpec = ModelSpec> {
  readonly recipe: Recipe;
  readonly spec: Spec;
  readonly resourcesDir: string;
  /** Tried first. */
  readonly engine: EngineName | null;
  readonly parameters: NamedTensors;
  readonly maxBatch: number;
  /** Windows that it is to predict, at most; a training step counts for three. */
  readonly rows: number;
}

/** The model of a checkpoint, for a job on its run. */
export function openCheckpoint(
  { spec, parameters }: Pick<LoadedCheckpoint, 'spec' | 'parameters'>,
  { recipe, resourcesDir, engine }: Pick<OpenModelOptions, 'recipe' | 'resourcesDir' | 'engine'>,
  sizes: Pick<OpenModelOptions, 'maxBatch' | 'rows'>,
): Promise<OpenModel> {
  return openModel({ recipe, spec, resourcesDir, engine, parameters, ...sizes });
}

/** Multiply-adds, at most: each parameter once for each context position. */
function multiplyAdds({ spec, rows }: Pick<OpenModelOptions, 'spec' | 'rows'>): number {
  return spec.T * parameterCount(spec) * rows;
}

/** Fast ones first; the plain JavaScript one always runs. */
const FALLBACKS: readonly EngineName[] = ['simd', 'wasm', 'cpu'];

export function openModel({ spec, ...options }: OpenModelOptions): Promise<OpenModel> {
  return spec.type === 'gram' ? openMixture({ ...options, spec }) : openTrainable({ ...options, spec });
}

async function openMixture(options: OpenModelOptions<GramSpec>): Promise<OpenModel> {
  const { spec, recipe, resourcesDir, parameters } = options;
  try {
    const host = nodeEngineHost(resourcesDir);
    const work = multiplyAdds(options);
    const runtime = await createRuntime({ host, threads: recipe.threads ?? undefined, work });
    const model = await GramModel.open(runtime, spec, parameters);
    return closable(runtimeInfo(runtime), model, () => model.dispose());
  } catch (error) {
    throw noEngine(spec, [`simd: ${messageOf(error)}`]);
  }
}

/** A model that can also be trained; of a Gram mixture there is none. */
export async function openTrainable(options: OpenModelOptions<GradientSpec>): Promise<OpenModel<TrainableModel>> {
  const { recipe, spec, parameters, maxBatch } = options;
  const host = nodeEngineHost(options.resourcesDir);
  const names = [...new Set([...(options.engine ? [options.engine] : []), ...FALLBACKS])];
  const reasons: string[] = [];
  for (const name of names) {
    let engine: Engine | null = null;
    try {
      engine = await openEngine(name, host, { threads: recipe.threads ?? undefined, work: multiplyAdds(options) });
      const model = await engine.createModel({
        spec,
        loss: lossConfig(recipe, spec.D),
        optimizer: optimizerConfig(recipe),
        seed: recipe.seed,
        parameters,
        maxBatch,
      });
      return closable(engine.info, model, closer(engine, model));
    } catch (error) {
      await engine?.dispose();
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw noEngine(spec, reasons);
}

function closable<Model extends Predictor>(
  info: EngineInfo,
  model: Model,
  close: () => Promise<void>,
): OpenModel<Model> {
  return { info, model, close, [Symbol.asyncDispose]: close };
}

function noEngine(spec: ModelSpec, reasons: readonly string[]): NextvecError {
  return new NextvecError('ENGINE_UNAVAILABLE', `No engine can run this ${spec.type} here. ${reasons.join('; ')}`, {
    remedy: '"nextvec doctor" says what each engine lacks.',
  });
}

function closer(engine: Engine, model: TrainableModel): () => Promise<void> {
  return async () => {
    model.dispose();
    await engine.dispose();
  };
}
