/** What is known of a recipe before it trains: rows, steps, time, memory, leak proof, lint, command line. */
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dataset, SplitProof } from '#shared/contract/datasets.ts';
import type { Preflight } from '#shared/contract/runs.ts';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { parameterCount } from '#shared/domain/models/models.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { lintRecipe } from '#shared/domain/recipe/lint.ts';
import type { Comparison } from '#shared/domain/datasets/passport.ts';
import { infoNceChance } from '#shared/domain/models/terms.ts';
import { knownFirstBatches } from '../evaluation/balance.ts';
import { knownSpace } from '../evaluation/space.ts';
import type { Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';
import { fromWireError } from '../wire/errors.ts';
import { listSpeeds } from '../store/runs.ts';
import { checkRecipe } from './recipe-check.ts';
import { expectTime } from './expected-time.ts';

/** Weights, gradients and two moments, and an engine's copies of the activations of a batch. */
const FLOATS_PER_PARAMETER = 4;
const BASE_BYTES = 150 * 2 ** 20;
const SPACE_WAIT_MS = 2000;

export async function preflight(services: Services, recipe: Recipe): Promise<Preflight> {
  const dataset = requireDataset(services, recipe.dataset);
  const ood = recipe.ood === null ? null : requireDataset(services, recipe.ood);
  checkRecipe(recipe, dataset, ood);
  const splitProof = await proveSplit(services, recipe);
  const spec = modelSpec(recipe, dataset.T, dataset.D);
  const parameters = parameterCount(spec);
  const stepsPerEpoch = Math.ceil(splitProof.trainWindows / recipe.batchSize);
  const speeds = listSpeeds(services.home.db, recipe.modelType, dataset.D);
  const evaluated = splitProof.valWindows + (ood?.windows ?? 0);
  const time = expectTime(recipe, speeds, splitProof.trainWindows, evaluated);
  const firstBatches = knownFirstBatches(services, recipe);
  return {
    trainRows: splitProof.trainWindows,
    valRows: splitProof.valWindows,
    oodRows: ood?.windows ?? null,
    stepsPerEpoch,
    parameters,
    expectedMs: time.expectedMs,
    expectedFrom: time.from,
    memoryBytes: memoryBytes(recipe, dataset, ood, parameters),
    splitProof,
    lint: lintRecipe({
      recipe,
      D: dataset.D,
      trainRows: splitProof.trainWindows,
      passport: dataset.passport,
      firstBatches: firstBatches?.terms ?? null,
      split: splitProof,
      ood: ood && { sharedVectors: splitProof.oodSharedVectors, space: await spaceSoon(services, recipe) },
      earlier: earlierRun(services, recipe),
    }),
    commandLine: commandLine(recipe, { data: dataWord(dataset), ood: ood && dataWord(ood) }),
    infoNceChance: infoNceChance(recipe.batchSize),
    firstBatches,
  };
}

/** The same-space verdict where it is known, or is within a moment; the next preflight has it otherwise. */
function spaceSoon(services: Services, { dataset, ood }: Recipe): Promise<Comparison | null> {
  if (ood === null) return Promise.resolve(null);
  const late = delay(SPACE_WAIT_MS, null, { ref: false });
  return Promise.race([knownSpace(services, dataset, ood), late]).catch(() => null);
}

/** The latest finished run of the same model. */
function earlierRun(
  { runs }: Services,
  { modelType }: Recipe,
): { name: string; trainRows: number; epochs: number } | null {
  const last = runs
    .list()
    .filter((run) => run.status === 'finished' && run.recipe.modelType === modelType && run.trainRows !== null)
    .toSorted((a, b) => b.number - a.number)[0];
  return last ? { name: `#${last.number}`, trainRows: last.trainRows ?? 0, epochs: last.recipe.epochs } : null;
}

async function proveSplit({ home, workers }: Services, recipe: Recipe): Promise<SplitProof> {
  try {
    return await workers.client.proveSplit({
      folder: home.datasetFolder(recipe.dataset),
      oodFolder: recipe.ood === null ? null : home.datasetFolder(recipe.ood),
      split: recipe.split,
      seed: recipe.seed,
    });
  } catch (error) {
    throw fromWireError(error);
  }
}

/** An estimate: vectors in memory, parameters with gradients and moments, a batch's activations on every core. */
function memoryBytes(recipe: Recipe, dataset: Dataset, ood: Dataset | null, parameters: number): number {
  const windows = (d: Dataset | null): number => (d === null ? 0 : d.storedBytes);
  const batch = recipe.batchSize * dataset.D * (dataset.T + 1) * 4 * Math.min(4, availableParallelism());
  return Math.round(BASE_BYTES + windows(dataset) + windows(ood) + parameters * FLOATS_PER_PARAMETER * 4 + batch);
}
