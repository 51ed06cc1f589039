/**
 * The loss balance of a recipe before it trains, as service calls: measures the first batches in a data worker and
 * remembers the result, so that preflight and its lint use measured shares. Not here: the numbers (`first-batches.ts`).
 */
import type { BalanceEvent, FirstBatches, FirstBatchesEvent } from '#shared/contract/evaluation.ts';
import type { InitFile } from '#shared/contract/trainer.ts';
import { normaliseShares, type AskedShares } from '#shared/domain/recipe/balance.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { requireDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import { LruCache } from '../processes/memoize.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import type { FirstBatchesJob } from '../processes/jobs/evaluation.ts';
import { workerEvents } from './worker-events.ts';

/** Recipes whose measurement is kept. */
const KEPT = 200;

export interface LossBalanceOptions {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'lease'>;
  readonly resourcesDir: string;
  /** The weights file a run of this recipe starts from; null: none. */
  readonly initFile: (recipe: Recipe) => InitFile | null;
}

export class LossBalance {
  private readonly options: LossBalanceOptions;
  private readonly known = new LruCache<FirstBatches>(KEPT);

  constructor(options: LossBalanceOptions) {
    this.options = options;
  }

  /** Measurements of this recipe since the program started; null: none yet. */
  measured(recipe: Recipe): FirstBatches | null {
    return this.known.get(this.keyOf(recipe)) ?? null;
  }

  /** Measures the terms on the first batches under the recipe's own λ. Leaving the loop or aborting cancels. */
  async *firstBatches(recipe: Recipe, signal?: AbortSignal): AsyncGenerator<FirstBatchesEvent> {
    const job = this.jobOf(recipe, null);
    for await (const event of workerEvents(this.options.workers, (client) => client.firstBatches(job), signal)) {
      if (event.type === 'done') this.remember(recipe, event.firstBatches);
      yield event;
    }
  }

  /** Finds λ that give the asked gradient shares. Leaving the loop or aborting cancels. */
  async *balance(recipe: Recipe, shares: AskedShares, signal?: AbortSignal): AsyncGenerator<BalanceEvent> {
    const job = this.jobOf(recipe, normaliseShares(shares));
    for await (const event of workerEvents(this.options.workers, (client) => client.balance(job), signal)) {
      if (event.type === 'done') {
        const { lambda, before, terms, batches } = event.balance;
        this.remember(recipe, { terms: before, batches });
        this.remember({ ...recipe, lambda }, { terms, batches });
      }
      yield event;
    }
  }

  private remember(recipe: Recipe, found: FirstBatches): void {
    this.known.set(this.keyOf(recipe), found);
  }

  /** Every field the first batches depend on: neither the length of the run nor its gates and OOD set. */
  private keyOf(recipe: Recipe): string {
    const { epochs: _epochs, schedule: _schedule, gates: _gates, ood: _ood, lambda, ...rest } = recipe;
    return JSON.stringify([rest, TERMS.map((term) => lambda[term]), this.options.initFile(recipe)]);
  }

  private jobOf(recipe: Recipe, shares: AskedShares | null): FirstBatchesJob {
    const { home, resourcesDir, initFile } = this.options;
    const { id } = requireDataset(home.db, recipe.dataset);
    return { recipe, datasetFolder: home.datasetFolder(id), resourcesDir, initFile: initFile(recipe), shares };
  }
}
