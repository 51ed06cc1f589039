/** Maps of data sets as service calls: with the split and predictions of a run, made in a data worker, kept in memory. */
import type { MapEvent } from '#shared/contract/evaluation.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { MapMethod, VectorMap } from '#shared/domain/datasets/vector-map.ts';
import { requireDataset } from '../store/datasets.ts';
import { requireRun } from '../store/runs.ts';
import { LruCache } from '../processes/memoize.ts';
import type { EvaluationContext } from './context.ts';
import type { MapJob } from '../processes/jobs/evaluation.ts';
import { evaluateJob } from './service.ts';
import { workerEvents } from './worker-events.ts';

/** Some 100 kB each. */
const KEPT = 20;

export class VectorMaps {
  private readonly context: EvaluationContext;
  private readonly known = new LruCache<VectorMap>(KEPT);

  constructor(context: EvaluationContext) {
    this.context = context;
  }

  /** Progress, then `done`; a map made before is `done` at once. Leaving the loop or aborting cancels. */
  async *map(id: string, method: MapMethod, handle: string | null, signal?: AbortSignal): AsyncGenerator<MapEvent> {
    const job = this.jobOf(id, method, handle);
    // The job holds the hashes of the run's checkpoints: a better checkpoint makes another map.
    const key = JSON.stringify(job);
    const map = this.known.get(key);
    if (map) {
      yield { type: 'done', map };
      return;
    }
    for await (const event of workerEvents(this.context.workers, (client) => client.map(job), signal)) {
      if (event.type === 'done') this.known.set(key, event.map);
      yield event;
    }
  }

  private jobOf(id: string, method: MapMethod, handle: string | null): MapJob {
    const { home } = this.context;
    const dataset = requireDataset(home.db, id);
    const base = { folder: home.datasetFolder(dataset.id), method };
    if (handle === null) {
      const { split, seed } = RecipeSchema.parse({ dataset: dataset.id });
      return { ...base, split, seed, splitOf: `the default split (seed ${seed})`, evaluate: null };
    }
    const row = requireRun(home.db, handle);
    const evaluate = evaluateJob(this.context, row, dataset.id, 'all');
    const { split, seed } = evaluate.recipe;
    const isOwn = evaluate.recipe.dataset === dataset.id;
    return { ...base, split: isOwn ? split : null, seed, splitOf: `run #${row.number}`, evaluate };
  }
}
