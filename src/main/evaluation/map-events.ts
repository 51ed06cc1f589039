/** The map of a data set for the routers: whose split and whose predictions it shows; a worker of its own makes it. */
import type { MapEvent } from '#shared/contract/evaluation.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { MapMethod, VectorMap } from '#shared/domain/datasets/vector-map.ts';
import type { Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';
import type { KnownAnswers } from '../worker/known-answers.ts';
import type { MapJob } from './job.ts';
import { evaluateJob } from './service.ts';
import { workerEvents } from './worker-events.ts';

function mapJob(services: Services, id: string, method: MapMethod, handle: string | null): MapJob {
  const dataset = requireDataset(services, id);
  const base = { folder: services.home.datasetFolder(dataset.id), method };
  if (handle === null) {
    const { split, seed } = RecipeSchema.parse({ dataset: dataset.id });
    return { ...base, split, seed, splitOf: `the default split (seed ${seed})`, evaluate: null };
  }
  const row = services.runs.row(handle);
  const evaluate = evaluateJob(services, row, dataset.id, 'all');
  const { split, seed } = evaluate.recipe;
  const isOwn = evaluate.recipe.dataset === dataset.id;
  return { ...base, split: isOwn ? split : null, seed, splitOf: `run #${row.number}`, evaluate };
}

/** A map made before comes at once. Leaving the loop, or aborting, ends the work. */
export async function* mapEvents(
  services: Services,
  known: KnownAnswers<VectorMap>,
  id: string,
  method: MapMethod,
  handle: string | null,
  signal?: AbortSignal,
): AsyncGenerator<MapEvent> {
  const job = mapJob(services, id, method, handle);
  // With the hashes of the run's checkpoints: a better one makes another map.
  const key = JSON.stringify(job);
  const map = known.get(key);
  if (map) {
    yield { type: 'done', map };
    return;
  }
  for await (const event of workerEvents(services, (client) => client.map(job), signal)) {
    if (event.type === 'done') known.set(key, event.map);
    yield event;
  }
}
