/**
 * The loss balance of a recipe before it trains, for the routers: starts the measurement in a worker of its own and
 * remembers what it found, so that preflight and its lint speak of measured shares. Numbers: `first-batches.ts`.
 */
import type { BalanceEvent, FirstBatches, FirstBatchesEvent } from '#shared/contract/evaluation.ts';
import { normaliseShares, type AskedShares } from '#shared/domain/recipe/balance.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import type { Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';
import type { FirstBatchesJob } from './job.ts';
import { workerEvents } from './worker-events.ts';

/** Recipes remembered; a person writing one tries a few dozen weights. */
const MOST_KNOWN = 200;
const known = new WeakMap<Services, Map<string, FirstBatches>>();

/** Everything that the first batches depend on: not how long the run goes on, nor what it is held against. */
function keyOf(services: Services, recipe: Recipe): string {
  const { epochs: _epochs, schedule: _schedule, gates: _gates, ood: _ood, lambda, ...rest } = recipe;
  return JSON.stringify([rest, TERMS.map((term) => lambda[term]), services.runs.initFile(recipe)]);
}

function remember(services: Services, recipe: Recipe, found: FirstBatches): void {
  const all = known.get(services) ?? new Map<string, FirstBatches>();
  known.set(services, all.set(keyOf(services, recipe), found));
  if (all.size > MOST_KNOWN) all.delete(all.keys().next().value ?? '');
}

/** What was measured of this recipe since the program started; null: nothing yet. */
export function knownFirstBatches(services: Services, recipe: Recipe): FirstBatches | null {
  return known.get(services)?.get(keyOf(services, recipe)) ?? null;
}

function jobOf(services: Services, recipe: Recipe, shares: AskedShares | null): FirstBatchesJob {
  const dataset = requireDataset(services, recipe.dataset);
  return {
    recipe,
    datasetFolder: services.home.datasetFolder(dataset.id),
    resourcesDir: services.options.resourcesDir,
    initFile: services.runs.initFile(recipe),
    shares,
  };
}

/** Leaving the loop, or aborting, ends the work. */
export async function* firstBatchesEvents(
  services: Services,
  recipe: Recipe,
  signal?: AbortSignal,
): AsyncGenerator<FirstBatchesEvent> {
  const job = jobOf(services, recipe, null);
  for await (const event of workerEvents(services, (client) => client.firstBatches(job), signal)) {
    if (event.type === 'done') remember(services, recipe, event.firstBatches);
    yield event;
  }
}

/** Leaving the loop, or aborting, ends the work. */
export async function* balanceEvents(
  services: Services,
  recipe: Recipe,
  shares: AskedShares,
  signal?: AbortSignal,
): AsyncGenerator<BalanceEvent> {
  const job = jobOf(services, recipe, normaliseShares(shares));
  for await (const event of workerEvents(services, (client) => client.balance(job), signal)) {
    if (event.type === 'done') {
      const { lambda, before, terms, batches } = event.balance;
      remember(services, recipe, { terms: before, batches });
      remember(services, { ...recipe, lambda }, { terms, batches });
    }
    yield event;
  }
}
