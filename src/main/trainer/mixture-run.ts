/** Opens a run that fits a Gram mixture: the kernels of `simd`, a GPU where the recipe says webgpu, and the stages of `engine/gram`. */
import { EngineFailure } from '#engine/failure.ts';
import { configOf } from '#engine/gram/config.ts';
import { MixtureRun } from '#engine/gram/run.ts';
import { runtimeInfo } from '#engine/simd/index.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { openGramGpu, type GramGpu } from '#engine/webgpu/index.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { GramSpec } from '#shared/domain/models/gram.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { groupBySharedVectors } from '../datasets/split/groups.ts';
import type { OpenedRun, RunContext } from './opened-run.ts';

/** Windows of a group that replaces an article where the articles are not known. */
const GROUP_WINDOWS = 100;

export async function openMixtureRun(context: RunContext, spec: GramSpec): Promise<OpenedRun> {
  const { job, host, dataset, data, extras, checkpoint, baselines, baselineSums, hooks, log } = context;
  const { epochs, lr, weightDecay, batchSize: batch, gram, seed, threads } = job.recipe;
  const runtime = await createRuntime({ host, threads: threads ?? job.threads }).catch((error: Error) => {
    const remedy = '"nextvec doctor" says what it lacks here.';
    throw unavailable(`A Gram mixture is fitted by the simd engine: ${error.message}.`, remedy, error);
  });
  const gpu = job.recipe.engine === 'webgpu' ? await openGpu(context) : null;
  const engine = gpu ? { ...gpu.info, threads: runtime.threads } : runtimeInfo(runtime);
  log('info', `Engine: ${engine.name}; version ${engine.version}, ${engine.variant}, ${engine.threads} threads.`);
  const { train, validation, ood } = data;
  const articles = articlesOf(dataset);
  if (job.resume && job.earlierEngine !== null && job.earlierEngine !== engine.name) {
    log('warning', `Its stages so far were computed by ${job.earlierEngine}; ${engine.name} rounds differently.`);
  }
  const creation = MixtureRun.create(runtime, {
    config: configOf(spec, { epochs, lr, weightDecay, batch, turned: gram.turned === 'on' }),
    seed,
    train,
    articles: train.ids.map((id) => articles[id]),
    validation,
    ood,
    extras,
    baselines,
    baselineSums,
    hooks,
    resumeFrom: checkpoint && 'fit' in checkpoint ? checkpoint : undefined,
    openDevice: gpu?.openDevice,
  });
  const trainer = await creation.catch((error: unknown) => {
    throw error instanceof EngineFailure ? unavailable(error.message, error.remedy, error) : error;
  });
  if (gpu) log('info', 'The products of the first windows are as on simd.');
  const dispose = async () => {
    await trainer.dispose();
    gpu?.close();
  };
  return { engine, trainer, dispose };
}

function openGpu({ host, job }: RunContext): Promise<GramGpu> {
  return openGramGpu(host, { tilings: job.tilings }).catch((error: Error) => {
    throw unavailable(
      error.message,
      'Choose another engine in the recipe; "nextvec doctor" lists those that run here.',
      error,
    );
  });
}

function unavailable(message: string, remedy: string, cause: Error): NextvecError {
  return new NextvecError('ENGINE_UNAVAILABLE', message, { remedy, details: { place: 'engine' }, cause });
}

/** Article of each window; groups of windows that share vectors where the data have no articles. */
function articlesOf({ windowArticles, index, T, windows, vectorArticles }: Dataset): Int32Array {
  const mostWindows = Math.max(1, Math.min(GROUP_WINDOWS, Math.floor(windows / 10)));
  return windowArticles ?? groupBySharedVectors(index, T, vectorArticles.length, mostWindows).groups;
}
