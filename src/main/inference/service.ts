/** Predictions as service calls: collects a job's input from the history and runs it in a data worker. */
import { join, resolve } from 'node:path';
import type { ContextSource, PredictionExportEvent, PredictionResult } from '#shared/contract/inference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { fileWords } from '#shared/domain/names.ts';
import { requireDataset } from '../store/datasets.ts';
import { weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { engineOf, requireRun, requireWeights, type RunRow } from '../store/runs.ts';
import { readRecipe, readTask } from '../store/stored-json.ts';
import { fromWireError } from '../wire/errors.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import type { PredictJob } from '../processes/jobs/prediction.ts';
import { writeExport, type ExportWork } from '../processes/write-export.ts';

export interface PredictionContext {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'lease'>;
  readonly resourcesDir: string;
}

export interface PredictionRequest {
  readonly runId: string;
  readonly source: ContextSource;
  /** Data set searched for neighbours; null: the set of the context. */
  readonly neighboursIn: string | null;
  readonly neighbours: number;
}

/** Predicts with the run's best checkpoint. Aborting terminates the worker and throws CANCELLED. */
export async function predictOnce(
  context: PredictionContext,
  request: PredictionRequest,
  signal?: AbortSignal,
): Promise<PredictionResult> {
  const job = predictJob(context, request);
  const worker = await context.workers.lease(signal);
  const release = (): void => void worker.release();
  signal?.addEventListener('abort', release);
  try {
    const predicted = await worker.client.predict(job);
    worker.giveBack();
    return predicted;
  } catch (error) {
    throw signal?.aborted ? new NextvecError('CANCELLED', 'The prediction was called off.') : fromWireError(error);
  } finally {
    signal?.removeEventListener('abort', release);
    await worker.release();
  }
}

export interface PredictionExportContext extends PredictionContext {
  /** Where the file is written. */
  readonly exportsFolder: string;
  /** Of Nextvec. */
  readonly version: string;
}

export interface PredictionExport {
  readonly runId: string;
  readonly datasetId: string;
  readonly texts: boolean;
}

/** Leaving the loop or aborting cancels and removes what was written. */
export async function* exportPredictions(
  { home, workers, resourcesDir, exportsFolder, version }: PredictionExportContext,
  { runId, datasetId, texts }: PredictionExport,
  signal?: AbortSignal,
): AsyncGenerator<PredictionExportEvent> {
  const row = requireRun(home.db, runId);
  const { id, name } = requireDataset(home.db, datasetId);
  const fileName = `run-${row.number}-on-${fileWords(name) || 'data'}.parquet`;
  const target = join(exportsFolder, fileName);
  const set = { name, folder: home.datasetFolder(id) };
  const job = { ...runJob(home, row, resourcesDir), set, texts, target, version };
  const write: ExportWork['write'] = (client, temporary) => client.exportPredictions({ ...job, temporary }, { signal });
  for await (const event of writeExport({ workers, path: target, write }, signal)) {
    yield event.type === 'progress' ? event : { ...event, path: target, fileName };
  }
}

/** What every prediction of a run needs. */
function runJob(home: Home, row: RunRow, resourcesDir: string) {
  requireWeights(row);
  return {
    runId: row.id,
    runNumber: row.number,
    runFolder: home.runFolder(row.id),
    recipe: readRecipe(row.recipe_json),
    task: readTask(row.task_json),
    weightHashes: weightHashes(home.db, row.id),
    engine: engineOf(row)?.name ?? null,
    resourcesDir,
  };
}

function predictJob(
  { home, resourcesDir }: PredictionContext,
  { runId, source, neighboursIn, neighbours }: PredictionRequest,
): PredictJob {
  const row = requireRun(home.db, runId);
  const own = source.kind === 'file' ? null : requireDataset(home.db, source.datasetId);
  const set = neighboursIn === null ? own : requireDataset(home.db, neighboursIn);
  return {
    ...runJob(home, row, resourcesDir),
    source: jobSource(home, source),
    neighbourSet: set && { id: set.id, name: set.name, folder: home.datasetFolder(set.id) },
    neighbours,
  };
}

function jobSource(home: Home, source: ContextSource): PredictJob['source'] {
  if (source.kind === 'file') return { ...source, path: resolve(source.path) };
  const { id, name } = requireDataset(home.db, source.datasetId);
  const set = { name, folder: home.datasetFolder(id) };
  if (source.kind === 'dataset') return { kind: 'dataset', ...set, windows: source.windows };
  return { kind: 'article', ...set, article: source.article, index: source.index };
}
