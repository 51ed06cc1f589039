/** Single predictions as service calls: collects the job's input from the history and runs it in a data worker. */
import { resolve } from 'node:path';
import type { ContextSource, PredictionResult } from '#shared/contract/inference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { requireDataset } from '../store/datasets.ts';
import { weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { requireRun } from '../store/runs.ts';
import { readRecipe, readTask } from '../store/stored-json.ts';
import { fromWireError } from '../wire/errors.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import type { PredictJob } from '../processes/jobs/prediction.ts';

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
    return await worker.client.predict(job);
  } catch (error) {
    throw signal?.aborted ? new NextvecError('CANCELLED', 'The prediction was called off.') : fromWireError(error);
  } finally {
    signal?.removeEventListener('abort', release);
    await worker.release();
  }
}

function predictJob(
  { home, resourcesDir }: PredictionContext,
  { runId, source, neighboursIn, neighbours }: PredictionRequest,
): PredictJob {
  const row = requireRun(home.db, runId);
  const own = source.kind === 'file' ? null : requireDataset(home.db, source.datasetId);
  const set = neighboursIn === null ? own : requireDataset(home.db, neighboursIn);
  return {
    runId: row.id,
    runNumber: row.number,
    runFolder: home.runFolder(row.id),
    recipe: readRecipe(row.recipe_json),
    task: readTask(row.task_json),
    weightHashes: weightHashes(home.db, row.id),
    engine: row.engine_json === null ? null : (JSON.parse(row.engine_json) as { name: PredictJob['engine'] }).name,
    resourcesDir,
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
