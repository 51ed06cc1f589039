/**
 * The loss terms of a recipe on its first batches, before it trains, and the λ that bring them into balance. Trains a
 * model that is thrown away: the shares of a run are those of its first steps, not of its initial weights alone.
 */
import { stream } from '#engine/random.ts';
import { startParameters } from '#engine/start.ts';
import type { TrainableModel, WindowSource } from '#engine/types.ts';
import type { Balance, FirstBatches } from '#shared/contract/evaluation.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { balanceLambda, gradientShares, type Lambda, type UnitNorms } from '#shared/domain/recipe/balance.ts';
import { lossConfig, modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, byTerm } from '#shared/domain/models/terms.ts';
import type { TermTable } from '#shared/domain/runs/training.ts';
import { openDataset } from '../datasets/dataset.ts';
import { splitDataset } from '../datasets/split/split.ts';
import type { FirstBatchesJob } from '../processes/jobs/evaluation.ts';
import { initialWeights } from '../weights/model-weights.ts';
import { openTrainable } from './model.ts';

/** Rows measured, an epoch at most: the shares of the very first steps are those of an untrained model and change fast. */
const MOST_ROWS = 24_000;
/** A slow engine stops here, with as many steps in every round. */
const MOST_MS = 15_000;

/** Vectors beyond this stay on disk: a few thousand rows are read of them, and a trainer may hold them all already. */
const MEMORY_BYTES = 512 * 2 ** 20;
/** Shortest time between two progress events, ms. */
const PROGRESS_MS = 100;
/** Rounds of a balance at most, for the share that is done: as written, once more from equal weights, four corrections. */
const MOST_ROUNDS = 6;

export type BatchProgress = (phase: string, fraction: number | null) => void;

interface FirstSteps {
  /** Unweighted gradient norms of each step, [TERMS]. */
  readonly norms: readonly UnitNorms[];
  /** Unweighted values of each step, [TERMS]. */
  readonly values: readonly Float64Array[];
}

/** Trains the first steps of a recipe repeatedly from the same initial weights. */
interface Bench {
  firstSteps(lambda: Lambda, progress: (step: number, of: number) => void): Promise<FirstSteps>;
}

async function withBench<R>(
  job: FirstBatchesJob,
  progress: BatchProgress,
  work: (bench: Bench) => Promise<R>,
): Promise<R> {
  const { recipe } = job;
  progress('reading the data', null);
  using dataset = openDataset(job.datasetFolder);
  const spec = modelSpec(recipe, dataset.T, dataset.D);
  if (spec.type === 'gram') throw noLossTerms();
  const source = await dataset.source(undefined, { memoryBytes: MEMORY_BYTES });
  const train = { source, ids: splitDataset(dataset, recipe.split, recipe.seed).train };
  await using opened = await openTrainable({
    recipe,
    spec,
    resourcesDir: job.resourcesDir,
    engine: recipe.engine === 'auto' ? null : recipe.engine,
    parameters: job.initFile
      ? await initialWeights(job.initFile, spec)
      : startParameters(recipe.start, spec, recipe.seed, train),
    maxBatch: recipe.batchSize,
    rows: 3 * (MOST_ROUNDS + 1) * Math.min(MOST_ROWS, train.ids.length),
  });
  return await work(await benchOf(opened.model, recipe, spec.D, train));
}

/** Begins each time with the weights and the optimizer that the model has now. */
async function benchOf(
  model: TrainableModel,
  recipe: Recipe,
  D: number,
  { source, ids: trainIds }: { readonly source: WindowSource; readonly ids: Uint32Array },
): Promise<Bench> {
  const ids = trainIds.slice();
  stream(recipe.seed, 'shuffle').shuffle(ids);
  const initial = await model.readParameters();
  const begin = await model.readOptimizer();
  const steps = { most: Math.max(1, Math.floor(Math.min(MOST_ROWS, ids.length) / recipe.batchSize)) };
  return {
    async firstSteps(lambda, onStep) {
      await model.writeParameters(initial);
      await model.writeOptimizer(begin);
      model.setLoss({ ...lossConfig(recipe, D), weights: lambda });
      return trainFirstSteps({ model, source, ids, recipe, lambda, steps, onStep });
    },
  };
}

function noLossTerms(): NextvecError {
  return new NextvecError('BAD_INPUT', 'A Gram mixture is fitted; it has no loss terms to measure or to balance.', {
    remedy: 'Choose another model, or train it as it is.',
    details: { place: 'modelType' },
  });
}

interface FirstStepsTask {
  readonly model: TrainableModel;
  readonly source: WindowSource;
  readonly ids: Uint32Array;
  readonly recipe: Recipe;
  readonly lambda: Lambda;
  readonly steps: { most: number };
  readonly onStep: (step: number, of: number) => void;
}

async function trainFirstSteps({
  model,
  source,
  ids,
  recipe,
  lambda,
  steps,
  onStep,
}: FirstStepsTask): Promise<FirstSteps> {
  const { batchSize, lr } = recipe;
  const norms: UnitNorms[] = [];
  const values: Float64Array[] = [];
  const startMs = performance.now();
  let onStepMs = startMs;
  for (let step = 1; step <= steps.most; step++) {
    const nowMs = performance.now();
    if (nowMs - startMs > MOST_MS) steps.most = step;
    if (nowMs - onStepMs > PROGRESS_MS) {
      onStepMs = nowMs;
      onStep(step, steps.most);
    }
    const stats = await model.trainStep({
      source,
      ids: ids.subarray((step - 1) * batchSize, step * batchSize),
      lr,
      step,
    });
    values.push(stats.values.slice());
    norms.push(TERMS.map((term, k) => (lambda[term] > 0 ? stats.gradNorms[k] / lambda[term] : Number.NaN)));
  }
  return { norms, values };
}

/** Value, weighted value and shares of each term, averaged over the steps. */
function termTable(lambda: Lambda, { norms, values }: FirstSteps): TermTable {
  const shares = gradientShares(lambda, norms);
  const mean = (k: number) => values.reduce((sum, v) => sum + v[k], 0) / values.length;
  const shareOfTotal = (k: number) => {
    const share = values.reduce((sum, v) => {
      const total = TERMS.reduce((all, term, j) => all + (lambda[term] > 0 ? Math.abs(lambda[term] * v[j]) : 0), 0);
      return sum + (lambda[TERMS[k]] > 0 && total > 0 ? Math.abs(lambda[TERMS[k]] * v[k]) / total : 0);
    }, 0);
    return share / values.length;
  };
  return byTerm((term, k) => {
    const value = Number.isFinite(mean(k)) ? mean(k) : null;
    return {
      value,
      weighted: value === null ? null : lambda[term] * value,
      share: value === null ? null : shareOfTotal(k),
      gradShare: shares[term],
    };
  });
}

/** The recipe's own terms on its first batches. */
export function measureFirstBatches(job: FirstBatchesJob, progress: BatchProgress): Promise<FirstBatches> {
  const { lambda } = job.recipe;
  return withBench(job, progress, async (bench) => {
    const steps = await bench.firstSteps(lambda, (step, of) => progress(`batch ${step} of ${of}`, step / of));
    return { terms: termTable(lambda, steps), batches: steps.norms.length };
  });
}

/** λ for the shares asked for; the term with the largest share keeps the λ it has, or 1. */
export function balanceRecipe(job: FirstBatchesJob, progress: BatchProgress): Promise<Balance> {
  const asked = job.shares ?? {};
  const own = job.recipe.lambda;
  const leader = TERMS.reduce((a, b) => ((asked[b] ?? 0) > (asked[a] ?? 0) ? b : a));
  return withBench(job, progress, async (bench) => {
    let round = 0;
    const firstSteps = async (lambda: Lambda): Promise<FirstSteps> => {
      const name = round === 0 ? 'weights as written' : `round ${round}`;
      const onStep = (step: number, of: number): void =>
        progress(`${name}, batch ${step} of ${of}`, Math.min(1, (round + step / of) / MOST_ROUNDS));
      const found = await bench.firstSteps(lambda, onStep);
      round++;
      return found;
    };
    const before = await firstSteps(own);
    let last = before;
    const measure = async (lambda: Lambda): Promise<readonly UnitNorms[]> => {
      if (lambda !== own) last = await firstSteps(lambda);
      return last.norms;
    };
    // A term without a weight has no gradient to measure; then the first round begins with equal weights.
    const start = TERMS.every((term) => !(asked[term] ?? 0) || own[term] > 0) ? own : undefined;
    const anchor = own[leader] > 0 ? own[leader] : 1;
    const result = await balanceLambda(asked, measure, { anchor, start });
    const { lambda, shares, worst, silent } = result;
    if (result.rounds[result.rounds.length - 1].lambda !== lambda) await measure(lambda);
    return {
      lambda,
      asked: result.asked,
      shares,
      worst,
      silent: [...silent],
      batches: last.norms.length,
      before: termTable(own, before),
      terms: termTable(lambda, last),
    };
  });
}
