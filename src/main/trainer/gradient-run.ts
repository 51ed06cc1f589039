/** Opens a run that trains by gradient steps: engine, model, and the loop of `engine/trainer`. */
import { EngineFailure } from '#engine/failure.ts';
import { Trainer } from '#engine/trainer/index.ts';
import type { ModelOptions } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { openRunEngine, workloadOf } from './engine.ts';
import { FIRST_BATCH_ROWS, proveFirstBatch } from './first-batch.ts';
import type { OpenedRun, RunContext } from './opened-run.ts';
import { initialParameters } from './start.ts';

/** Throws ENGINE_UNAVAILABLE where the engine cannot train this model here. */
export async function openGradientRun(context: RunContext, spec: GradientSpec): Promise<OpenedRun> {
  try {
    return await open(context, spec);
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    const { message, remedy } = error;
    throw new NextvecError('ENGINE_UNAVAILABLE', message, { remedy, details: { place: 'engine' }, cause: error });
  }
}

async function open(context: RunContext, spec: GradientSpec): Promise<OpenedRun> {
  const { job, data, baselines, baselineSums, hooks, log } = context;
  const { recipe } = job;
  const checkpoint = context.checkpoint && 'parameters' in context.checkpoint ? context.checkpoint : null;
  const workload = workloadOf(recipe, spec);
  const rows = recipe.epochs * data.train.ids.length;
  const engine = await openRunEngine(job, context.host, { ...workload, rows }, log);
  const parameters = checkpoint?.parameters ?? (await initialParameters(job, spec, data.train, log));
  const { loss, optimizer } = workload;
  const { epochs, batchSize, lr, schedule, earlyStopping, seed } = recipe;
  const options: ModelOptions = { spec, loss, optimizer, seed, parameters, maxBatch: batchSize };
  const model = await withRecipeErrors(() => engine.createModel(options));
  if (checkpoint?.optimizer) await model.writeOptimizer(checkpoint.optimizer);
  const { train, validation, ood } = data;
  const { isometry } = recipe.augment;
  const articleOf = context.dataset.windowArticles;
  const trainer = await withRecipeErrors(
    async () =>
      new Trainer({
        model,
        train,
        validation,
        ood,
        settings: { epochs, batchSize, lr, schedule, earlyStopping, loss, seed },
        augmentation: isometry > 0 ? { isometry, articleOf } : undefined,
        baselines,
        baselineSums,
        hooks,
        checkpointEveryMs: job.checkpointEveryMs,
        resumeFrom: checkpoint?.state,
      }),
  );
  if (engine.info.name === 'webgpu')
    await proveFirstBatch(model, trainer.firstBatch(FIRST_BATCH_ROWS), options, context);
  const dispose = async () => {
    model.dispose();
    await engine.dispose();
  };
  return { engine: engine.info, trainer, setThreads: model.setThreads?.bind(model), dispose };
}

/** Settings that training refuses are an error of the recipe, not a bug. */
async function withRecipeErrors<R>(make: () => Promise<R>): Promise<R> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NextvecError('BAD_RECIPE', error.message, { remedy: 'Change the recipe and start again.', cause: error });
  }
}
