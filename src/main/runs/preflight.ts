/** What is known of a recipe before it trains: rows, steps, time, memory, leak proof, lint, command line. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dataset, SplitProof } from '#shared/contract/datasets.ts';
import type { DeviceDemand, Preflight } from '#shared/contract/runs.ts';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { lintRecipe } from '#shared/domain/recipe/lint.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import type { Adapter } from '#shared/domain/runs/adapter.ts';
import { infoNceChance } from '#shared/domain/models/terms.ts';
import { openDataset } from '../datasets/dataset.ts';
import { proveSplit } from '../datasets/split/split-proof.ts';
import type { LossBalance } from '../evaluation/balance.ts';
import type { RunHistory } from '../evaluation/context.ts';
import type { SpaceComparisons } from '../evaluation/space.ts';
import type { Home } from '../store/home.ts';
import { listSpeeds } from '../store/runs.ts';
import { fromWireError } from '../wire/errors.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import { deviceDemand } from './resources/device-demand.ts';
import { expectTime, withRetraining } from './resources/expected-time.ts';
import { memoryBytes, specOf } from './resources/memory.ts';
import { retrainingMs } from './parts.ts';
import { checkedSets } from './recipe-check.ts';

/** Measurements that take longer are left to a later preflight. */
const WAIT_MS = 2000;
/** Windows times their width: such sets are read and compared in 10 to 30 ms. */
const SMALL_SET = 5e4;

export interface PreflightContext {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'client'>;
  readonly runs: Pick<RunHistory, 'list'>;
  readonly spaces: SpaceComparisons;
  readonly balance: LossBalance;
  readonly devices: { adapter(mayLoad: boolean): Promise<Adapter | null> };
}

export async function preflight(context: PreflightContext, recipe: Recipe): Promise<Preflight> {
  const { dataset, ood } = checkedSets(context.home.db, recipe);
  const splitProof = await splitProofOf(context, recipe, ood === null ? [dataset] : [dataset, ood]);
  const { trainWindows, valWindows } = splitProof;
  const spec = specOf(context.home, recipe, { ...dataset, windows: trainWindows });
  const speeds = listSpeeds(context.home.db, recipe.modelType, dataset.D);
  const training = expectTime(recipe, speeds, trainWindows, valWindows + (ood?.windows ?? 0));
  const time = withRetraining(training, retrainingMs(context.home, recipe));
  const [device, space] = await Promise.all([
    soon(deviceOf(context, recipe, spec, dataset)),
    ood && soon(context.spaces.compare(dataset.id, ood.id)),
  ]);
  const firstBatches = context.balance.measured(recipe);
  return {
    trainRows: trainWindows,
    valRows: valWindows,
    oodRows: ood?.windows ?? null,
    stepsPerEpoch: Math.ceil(trainWindows / recipe.batchSize),
    parameters: parameterCount(spec),
    expectedMs: time.expectedMs,
    expectedFrom: time.from,
    memoryBytes: memoryBytes(recipe, { dataset, ood, spec }),
    device,
    splitProof,
    lint: lintRecipe({
      recipe,
      D: dataset.D,
      trainRows: trainWindows,
      passport: dataset.passport,
      firstBatches: firstBatches?.terms ?? null,
      split: splitProof,
      ood: ood && { sharedVectors: splitProof.oodSharedVectors, space },
      earlier: earlierRun(context.runs, recipe),
      deviceRefusal: device?.refusal ?? null,
    }),
    commandLine: commandLine(recipe, { data: dataWord(dataset), ood: ood && dataWord(ood) }),
    infoNceChance: infoNceChance(recipe.batchSize),
    firstBatches,
  };
}

async function proveHere(
  folder: string,
  oodFolder: string | null,
  split: Recipe['split'],
  seed: number,
): Promise<SplitProof> {
  using dataset = openDataset(folder);
  using ood = oodFolder === null ? null : openDataset(oodFolder);
  return (await proveSplit(dataset, ood, split, seed)).proof;
}

/** What is known within WAIT_MS, else null. */
function soon<R>(work: Promise<R>): Promise<R | null> {
  return Promise.race([work, delay(WAIT_MS, null, { ref: false })]).catch(() => null);
}

/** null: the run trains on no GPU; for `auto` also where no GPU has been looked for yet, or it is one in software. */
async function deviceOf(
  { devices }: PreflightContext,
  { engine, batchSize: maxBatch }: Recipe,
  spec: ModelSpec,
  dataset: Dataset,
): Promise<DeviceDemand | null> {
  if (spec.type === 'gram' || (engine !== 'webgpu' && engine !== 'auto')) return null;
  const adapter = await devices.adapter(engine === 'webgpu');
  if (adapter === null || (engine === 'auto' && adapter.isSoftware)) return null;
  return deviceDemand(adapter, { spec, maxBatch }, dataset);
}

/** The latest finished run of the same model. */
function earlierRun(
  runs: Pick<RunHistory, 'list'>,
  { modelType }: Recipe,
): { name: string; trainRows: number; epochs: number } | null {
  const last = runs
    .list()
    .filter((run) => run.status === 'finished' && run.recipe.modelType === modelType && run.trainRows !== null)
    .toSorted((a, b) => b.number - a.number)[0];
  return last ? { name: `#${last.number}`, trainRows: last.trainRows ?? 0, epochs: last.recipe.epochs } : null;
}

/** By the standing worker, unless that takes longer to start. */
async function splitProofOf(
  { home, workers }: PreflightContext,
  { dataset, ood, split, seed }: Recipe,
  sets: readonly Pick<Dataset, 'windows' | 'D'>[],
): Promise<SplitProof> {
  const folder = home.datasetFolder(dataset);
  const oodFolder = ood === null ? null : home.datasetFolder(ood);
  if (sets.every(({ windows, D }) => windows * D < SMALL_SET)) return proveHere(folder, oodFolder, split, seed);
  try {
    return await workers.client.proveSplit({ folder, oodFolder, split, seed });
  } catch (error) {
    throw fromWireError(error);
  }
}
