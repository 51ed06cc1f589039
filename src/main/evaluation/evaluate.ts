/**
 * Evaluates the best checkpoint of a run on a set: parity, baselines, measurement, same-space check, verdicts. Runs in a
 * data worker; knows folders, not the database.
 */
import { join } from 'node:path';
import { baselinePredictors, fitBaselines } from '#engine/evaluation/baselines.ts';
import { productFor } from '#engine/evaluation/fast-product.ts';
import { measure } from '#engine/evaluation/measure.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { SPACE_FREE_BASELINES, type Evaluation, type Reference } from '#shared/domain/evaluation/evaluation.ts';
import { BASELINES } from '#shared/domain/runs/training.ts';
import { drawVerdicts } from '#shared/domain/verdicts/verdicts.ts';
import { compareDatasets } from '../datasets/measures/compare.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { splitDataset } from '../datasets/split/split.ts';
import { refuseOtherTask } from '../datasets/other-task.ts';
import type { LoadedCheckpoint } from '../checkpoints/read.ts';
import { listCheckpointFolders } from '../checkpoints/resume.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import type { EvaluateJob } from '../processes/jobs/evaluation.ts';
import { ceilingCosines } from './ceiling.ts';
import { openCheckpoint, type OpenModel } from './model.ts';
import { proveParity, readForEvaluation } from './parity.ts';

export type Progress = (phase: string, fraction: number | null) => void;

const MAX_BATCH = 256;

/** Evaluates the best checkpoint of a run on a data set. Throws PARITY_FAILED before any figure is measured. */
export async function evaluateRun(job: EvaluateJob, progress: Progress): Promise<Evaluation> {
  const startedMs = performance.now();
  progress('reading the checkpoint', null);
  const checkpoint = await bestCheckpoint(job);
  using training = openDataset(job.datasetFolder);
  const isOwn = job.data.folder === job.datasetFolder;
  using other = isOwn ? null : openDataset(job.data.folder);
  const set = other ?? training;
  refuseOtherShape(checkpoint, set, job);
  // Parity on the run's own windows; on the set also with the positions of each context changed.
  const rows = training.windows + (set.T + 5) * set.windows;
  await using opened = await openCheckpoint(checkpoint, job, { maxBatch: MAX_BATCH, rows });
  return await evaluateModel(job, { startedMs, checkpoint, opened, training, set, isOwn }, progress);
}

interface OpenedRun {
  readonly startedMs: number;
  readonly checkpoint: LoadedCheckpoint;
  readonly opened: OpenModel;
  readonly training: Dataset;
  /** The data set to evaluate on; the training set itself when `isOwn`. */
  readonly set: Dataset;
  readonly isOwn: boolean;
}

async function evaluateModel(job: EvaluateJob, run: OpenedRun, progress: Progress): Promise<Evaluation> {
  const { checkpoint, opened, training, set, isOwn } = run;
  const own = await ownSplits(training, job);
  progress('checking parity', null);
  const { parity, validation } = await proveParity(opened.model, checkpoint, own.validation);
  const measured = await measureModel(job, run, own, progress);
  progress('comparing the spaces', null);
  const space = isOwn ? null : await compareDatasets(training, set);
  const isReference = isOwn && job.data.part === 'validation';
  const reference = isReference ? null : referenceOf(job, validation);
  const part = isOwn ? job.data.part : 'all';
  const { name, version, variant } = opened.info;
  return {
    ...measured,
    runId: job.runId,
    runNumber: job.runNumber,
    runName: job.runName,
    modelType: checkpoint.spec.type,
    task: job.task,
    checkpoint: evaluatedCheckpoint(checkpoint),
    data: { id: job.data.id, name: job.data.name, windows: set.windows, part },
    engine: `${name} ${version} ${variant}`,
    evaluatedAt: Date.now(),
    durationMs: performance.now() - run.startedMs,
    parity,
    reference,
    space,
    verdicts: verdictsOf(job, { measured, parity, reference, space }),
  };
}

/** Fits the baselines on the run's own split and measures model and baselines on the chosen windows. */
async function measureModel(
  job: EvaluateJob,
  { opened, set, isOwn }: OpenedRun,
  own: Awaited<ReturnType<typeof ownSplits>>,
  progress: Progress,
) {
  progress('fitting the baselines', null);
  const on = await chosenSplit(set, own, isOwn, job);
  const product = await productFor({ ...own, ood: on }, nodeEngineHost(job.resourcesDir));
  const fitted = await fitBaselines(own.train, own.validation, { product });
  const articleOf = set.windowArticles ?? undefined;
  const ceiling = job.ceiling ? await ceilingCosines(job, own.train, { ...on, articleOf }, progress) : null;
  progress('evaluating', 0);
  return measure(opened.model, on, {
    baselines: fitted ? baselinePredictors(fitted, set.D, product) : {},
    articleOf,
    ceiling,
    seed: job.recipe.seed,
    progress: (fraction) => (progress('evaluating', fraction), true),
  });
}

type Findings = Pick<Parameters<typeof drawVerdicts>[0], 'measured' | 'parity' | 'reference' | 'space'>;

function verdictsOf({ splitProof, recipe, task, terms }: EvaluateJob, findings: Findings): Evaluation['verdicts'] {
  const split = splitProof && {
    kind: recipe.split.kind,
    sharedVectors: splitProof.sharedVectors,
    sharedArticles: splitProof.sharedArticles,
  };
  return drawVerdicts({ ...findings, task, split, terms, lambda: recipe.lambda });
}

/** The state of a checkpoint names the epoch it goes on with; the best one is of the epoch that made it. */
function evaluatedCheckpoint({ kind, state }: LoadedCheckpoint): Evaluation['checkpoint'] {
  if (kind === 'best') return { kind, epoch: state.best?.epoch ?? state.epoch };
  return { kind: 'last', epoch: state.epoch };
}

/** The best checkpoint; a run that has none yet is evaluated by its newest one that knows its validation cosine. */
export async function bestCheckpoint(job: EvaluateJob): Promise<LoadedCheckpoint> {
  const { runFolder, runNumber, imported } = job;
  const folders = await listCheckpointFolders(runFolder, ['best']);
  const others = folders.length > 0 ? folders : await listCheckpointFolders(runFolder, ['last', 'kept']);
  for (const folder of others) {
    const checkpoint = await readForEvaluation(join(runFolder, folder), job);
    if (checkpoint.valCosine !== null || imported) return checkpoint;
  }
  throw new NextvecError('NOT_FOUND', `Run #${runNumber} has no evaluated checkpoint yet.`, {
    remedy: 'Let it finish its first epoch.',
    details: { place: runFolder },
  });
}

export function refuseOtherShape({ spec }: LoadedCheckpoint, set: Dataset, job: EvaluateJob): void {
  const { data, runNumber } = job;
  if (spec.D !== set.D) {
    throw new NextvecError(
      'WIDTH_MISMATCH',
      `${data.name} has vectors of width ${set.D}; run #${runNumber} was trained on width ${spec.D}.`,
      {
        remedy: "Embed the texts with the training set's encoder.",
        details: { place: data.name },
      },
    );
  }
  refuseOtherTask(set, data.name, job);
  if (spec.T !== set.T) {
    throw new NextvecError(
      'BAD_INPUT',
      `${data.name} has windows of ${set.T} vectors; run #${runNumber} was trained on ${spec.T}.`,
      {
        remedy: 'Import the chunks again with windows of that length.',
        details: { place: data.name },
      },
    );
  }
}

export interface OwnSplits {
  readonly train: Split;
  readonly validation: Split;
}

export async function ownSplits(training: Dataset, { recipe }: EvaluateJob): Promise<OwnSplits> {
  const split = splitDataset(training, recipe.split, recipe.seed);
  const source = await training.source();
  return { train: { source, ids: split.train }, validation: { source, ids: split.val } };
}

export async function chosenSplit(set: Dataset, own: OwnSplits, isOwn: boolean, { data }: EvaluateJob): Promise<Split> {
  if (isOwn && data.part === 'validation') return own.validation;
  if (isOwn && data.part === 'train') return own.train;
  const source = isOwn ? own.train.source : await set.source();
  return { source, ids: Uint32Array.from({ length: source.windows }, (_, i) => i) };
}

/** The run's own validation windows, with the baselines it measured there. */
function referenceOf(
  { baselines }: EvaluateJob,
  validation: { rows: number; cosine: number; cosines: Float32Array },
): Reference | null {
  if (SPACE_FREE_BASELINES.every((name) => baselines[name]?.valCosine === undefined)) return null;
  const variance =
    validation.cosines.reduce((sum, c) => sum + (c - validation.cosine) ** 2, 0) / Math.max(validation.rows - 1, 1);
  const table = Object.fromEntries(
    BASELINES.map((name) => [name, baselines[name]?.valCosine ?? null]),
  ) as Reference['baselines'];
  return { rows: validation.rows, cosine: validation.cosine, std: Math.sqrt(variance), baselines: table };
}
