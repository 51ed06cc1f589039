/** `inference.*`: single predictions, made in a worker of their own. */
import { resolve } from 'node:path';
import type { ContextSource } from '#shared/contract/inference.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { PredictJob } from '../inference/job.ts';
import { findDataset } from '../store/datasets.ts';
import { listCheckpoints } from '../store/history.ts';
import { readRecipe } from '../store/stored-json.ts';
import type { Services } from './context.ts';
import { requireDataset } from './datasets.ts';
import { fromWireError } from '../wire/errors.ts';
import { procedures } from './implementer.ts';

function jobSource({ home }: Services, source: ContextSource): PredictJob['source'] {
  if (source.kind === 'file') return { ...source, path: resolve(source.path) };
  // The set is known: it was required before.
  const { datasetId } = source;
  const set = { name: findDataset(home.db, datasetId)?.name ?? datasetId, folder: home.datasetFolder(datasetId) };
  if (source.kind === 'dataset') return { kind: 'dataset', ...set, windows: source.windows };
  return { kind: 'article', ...set, article: source.article, index: source.index };
}

export function inferenceRouter(services: Services) {
  const { home, options, runs, workers } = services;
  return procedures.inference.router({
    predict: procedures.inference.predict.handler(async ({ input, signal }) => {
      const row = runs.row(input.runId);
      const { source } = input;
      const own = source.kind === 'file' ? null : requireDataset(services, source.datasetId);
      const set = input.neighboursIn === null ? own : requireDataset(services, input.neighboursIn);
      const job: PredictJob = {
        runId: row.id,
        runNumber: row.number,
        runFolder: home.runFolder(row.id),
        recipe: readRecipe(row.recipe_json),
        weightHashes: Object.fromEntries(
          listCheckpoints(home.db, row.id).map(({ folder, sha256 }) => [folder, sha256]),
        ),
        engine: row.engine_json === null ? null : (JSON.parse(row.engine_json) as { name: PredictJob['engine'] }).name,
        resourcesDir: options.resourcesDir,
        source: jobSource(services, source),
        neighbourSet: set && { id: set.id, name: set.name, folder: home.datasetFolder(set.id) },
        neighbours: input.neighbours,
      };
      const worker = workers.startSingle();
      const leave = (): void => void worker.release();
      signal?.addEventListener('abort', leave);
      try {
        return await worker.client.predict(job);
      } catch (error) {
        throw signal?.aborted ? new NextvecError('CANCELLED', 'The prediction was called off.') : fromWireError(error);
      } finally {
        signal?.removeEventListener('abort', leave);
        await worker.release();
      }
    }),
  });
}
