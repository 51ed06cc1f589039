/**
 * Predictions of a run's best checkpoint for a few contexts, with their nearest stored vectors. Runs in a data worker. The checkpoint
 * reproduces its golden output first. B rows, T context length, D width.
 */
import { join } from 'node:path';
import { dot, squaredNorm } from '#engine/evaluation/vectors.ts';
import type { Neighbour, PredictedRow, PredictionResult } from '#shared/contract/inference.ts';
import type { MixtureWeights } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { inputNames } from '#shared/domain/datasets/task.ts';
import { listParts, type Part } from '#shared/domain/models/gram.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { refuseOtherTask } from '../datasets/other-task.ts';
import { placesOf, type PlaceOf } from '../datasets/places.ts';
import { windowOfArticle } from '../datasets/window-places.ts';
import { openModel, type OpenModelOptions } from '../evaluation/model.ts';
import { proveGolden, readForEvaluation } from '../evaluation/parity.ts';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import type { LoadedCheckpoint } from '../checkpoints/read.ts';
import { listCheckpointFolders } from '../checkpoints/resume.ts';
import { plainAttention } from './attention.ts';
import { rowsOfFile, windowsOf, type Contexts } from './contexts.ts';
import type { PredictJob } from '../processes/jobs/prediction.ts';
import { nearest, type Near } from './neighbours.ts';

const MIN_NORM = 1e-12;

export async function predict(job: PredictJob): Promise<PredictionResult> {
  const checkpoint = await bestCheckpoint(job);
  const open = new Map<string, Dataset>();
  const dataset = (folder: string): Dataset => {
    const found = open.get(folder) ?? openDataset(folder);
    open.set(folder, found);
    return found;
  };
  try {
    const { source, neighbourSet } = job;
    const contexts =
      source.kind === 'file'
        ? await rowsOfFile(source.path, source.rows, checkpoint.spec)
        : await windowsOf(dataset(source.folder), source.name, chosenWindows(dataset, source), checkpoint.spec);
    if (source.kind !== 'file') refuseOtherTask(dataset(source.folder), source.name, job);
    const set = neighbourSet && dataset(neighbourSet.folder);
    if (set && set.D !== checkpoint.spec.D) throw otherWidth(neighbourSet.name, set.D, checkpoint.spec.D);
    const found = await forward(job, checkpoint, contexts);
    const own = source.kind === 'file' ? null : dataset(source.folder);
    return {
      runId: job.runId,
      modelType: checkpoint.spec.type,
      T: checkpoint.spec.T,
      D: checkpoint.spec.D,
      task: job.task,
      engine: found.engine,
      parity: found.parity,
      neighboursIn: neighbourSet?.id ?? null,
      raw: found.raw,
      pred: found.pred,
      rows: describe(contexts, found, own, set, set ? await nearest(set, found.pred, job.neighbours) : []),
    };
  } finally {
    for (const one of open.values()) one.close();
  }
}

function chosenWindows(
  dataset: (folder: string) => Dataset,
  source: Exclude<PredictJob['source'], { kind: 'file' }>,
): readonly number[] {
  if (source.kind === 'dataset') return source.windows;
  return [windowOfArticle(dataset(source.folder), source.name, source.article, source.index)];
}

/** The best checkpoint of the run, or the last where no epoch has ended. */
export async function bestCheckpoint(
  job: Pick<PredictJob, 'runFolder' | 'runNumber' | keyof RunCheckpoints>,
): Promise<LoadedCheckpoint> {
  const { runFolder, runNumber } = job;
  const [best] = await listCheckpointFolders(runFolder, ['best']);
  const [last] = await listCheckpointFolders(runFolder, ['last', 'kept']);
  const folder = best ?? last;
  if (folder !== undefined) return readForEvaluation(join(runFolder, folder), job);
  throw new NextvecError('NOT_FOUND', `Run #${runNumber} has no checkpoint yet.`, {
    remedy: 'Let it write its first one.',
    details: { place: runFolder },
  });
}

function otherWidth(name: string, there: number, wanted: number): NextvecError {
  return new NextvecError(
    'WIDTH_MISMATCH',
    `${name} has vectors of width ${there}; the model predicts width ${wanted}.`,
    {
      remedy: 'Look for neighbours in a set of the same encoder.',
      details: { place: name },
    },
  );
}

interface Forward {
  readonly engine: string;
  readonly parity: PredictionResult['parity'];
  readonly raw: Float32Array<ArrayBuffer>;
  readonly pred: Float32Array<ArrayBuffer>;
  readonly attention: Float32Array | undefined;
  readonly mixture: MixtureWeights | undefined;
  /** Of a Gram mixture. */
  readonly parts: readonly Part[];
}

async function forward(job: PredictJob, checkpoint: LoadedCheckpoint, { contexts, rows }: Contexts): Promise<Forward> {
  const { spec, parameters, golden } = checkpoint;
  const { recipe, resourcesDir, engine } = job;
  const maxBatch = Math.max(golden.B, Math.min(rows.length, 256));
  const options: OpenModelOptions = {
    recipe,
    spec,
    resourcesDir,
    engine,
    parameters,
    maxBatch,
    rows: golden.B + rows.length,
  };
  await using opened = await openModel(options);
  const parity = await proveGolden(opened.model, checkpoint);
  const prediction = await opened.model.predict(contexts, rows.length);
  const raw = Float32Array.from(prediction.raw);
  const { name, version, variant } = opened.info;
  return {
    engine: `${name} ${version} ${variant}`,
    parity,
    raw,
    pred: unit(raw, spec.D),
    attention: prediction.attention ?? (await plainAttention(options, checkpoint, contexts, rows.length)),
    mixture: prediction.mixture,
    parts: spec.type === 'gram' ? listParts(spec, spec.T, inputNames(spec.T, job.task)) : [],
  };
}

/** raw / max(‖raw‖, 1e-12), row by row. */
export function unit(raw: Float32Array, D: number): Float32Array<ArrayBuffer> {
  const pred = new Float32Array(raw.length);
  for (let row = 0; row < raw.length / D; row++) {
    const norm = Math.max(Math.sqrt(squaredNorm(raw, row, D)), MIN_NORM);
    for (let d = row * D; d < (row + 1) * D; d++) pred[d] = raw[d] / norm;
  }
  return pred;
}

/** `own` is the set the contexts are of, `set` the one `near` was found in. */
function describe(
  { rows, contexts, targets, ids, places }: Contexts,
  { raw, pred, attention, mixture, parts }: Forward,
  own: Dataset | null,
  set: Dataset | null,
  near: readonly Near[][],
): PredictedRow[] {
  const D = raw.length / rows.length;
  const T = contexts.length / raw.length;
  const ownPlace = own && ids ? placesOf(own, ids) : null;
  const nearVectors = near.flat().map(({ vector }) => vector);
  const nearPlace = set && placesOf(set, nearVectors);
  return rows.map((row, b) => {
    const window = ids?.subarray(b * (T + 1), (b + 1) * (T + 1));
    const list = nearPlace ? withPlaces(near[b], nearPlace, own === set ? window : undefined) : [];
    return {
      row,
      place: places[b],
      norm: Math.sqrt(squaredNorm(raw, b, D)),
      targetCosine: targets && cosine(pred, b, targets, b, D),
      baselines: baselinesOf(contexts, targets, b, T, D),
      contextCosines: Array.from({ length: T }, (_, t) => cosine(pred, b, contexts, b * T + t, D)),
      attention: attention ? Array.from(attention.subarray(b * T, (b + 1) * T)) : null,
      parts: mixture
        ? parts.map(({ kind, name }, k) => ({
            kind,
            name,
            coefficient: mixture.coefficients[b * parts.length + k],
            share: mixture.shares[b * parts.length + k],
          }))
        : null,
      context: window && ownPlace ? Array.from(window.subarray(0, T), ownPlace) : null,
      target: window && ownPlace ? ownPlace(window[T]) : null,
      neighbours: list,
    };
  });
}

/** Cosines to the target of the trivial predictions: the mean of the context and its last vector. */
function baselinesOf(
  contexts: Float32Array,
  targets: Float32Array | null,
  b: number,
  T: number,
  D: number,
): PredictedRow['baselines'] {
  if (targets === null) return { contextMean: null, lastVector: null };
  const mean = new Float32Array(D);
  for (let t = 0; t < T; t++) for (let d = 0; d < D; d++) mean[d] += contexts[(b * T + t) * D + d] / T;
  const last = contexts.subarray((b * T + T - 1) * D, (b * T + T) * D);
  return {
    contextMean: cosine(unit(mean, D), 0, targets, b, D),
    lastVector: cosine(unit(last, D), 0, targets, b, D),
  };
}

/** `window`: ids of the context and, last, the target, where the neighbours are of the same set. */
function withPlaces(near: readonly Near[], placeOf: PlaceOf, window: Uint32Array | undefined): Neighbour[] {
  return near.map(({ vector, cosine: value }) => {
    const at = window ? window.lastIndexOf(vector) : -1;
    const role = !window || at < 0 ? null : at === window.length - 1 ? 'target' : 'context';
    return { ...placeOf(vector), cosine: value, role };
  });
}

/** Of a unit row of a to a row of b. */
export function cosine(a: Float32Array, i: number, b: Float32Array, j: number, D: number): number {
  return dot(a, i, b, j, D) / Math.max(Math.sqrt(squaredNorm(b, j, D)), MIN_NORM);
}
