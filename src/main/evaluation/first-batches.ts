/**
 * The loss terms of a recipe on its first batches, before it trains, and the λ that bring them into balance. Trains a
 * model that is thrown away: the shares of a run are those of its first steps, not of its initial weights alone.
 */
import { stream } from '#engine/random.ts';
import { startParameters } from '#engine/start.ts';
import type { TrainableModel, WindowSource } from '#engine/types.ts';
import type { Balance } from '#shared/contract/evaluation.ts';
import { balanceLambda, gradientShares, type Lambda, type UnitNorms } from '#shared/domain/balance.ts';
import { lossConfig, modelSpec, type Recipe } from '#shared/domain/recipe.ts';
import { TERMS, type Term } from '#shared/domain/terms.ts';
import type { TermTable } from '#shared/domain/training.ts';
import { openDataset } from '../datasets/dataset.ts';
import { splitDataset } from '../datasets/split.ts';
import type { FirstBatchesJob } from './job.ts';
import { initialWeights } from '../weights/model-weights.ts';
import { openModel } from './model.ts';

/** Rows measured, an epoch at most: the shares of the very first steps are those of an untrained model and change fast. */
const MOST_ROWS = 24_000;
/** A slow engine stops here, with as many steps in every round. */
const MOST_MS = 15_000;

interface FirstSteps {
  /** Unweighted gradient norms of each step, [TERMS]. */
  readonly norms: readonly UnitNorms[];
  /** Unweighted values of each step, [TERMS]. */
  readonly values: readonly Float64Array[];
}

/** What `work` needs to train the first steps of a recipe again and again from the same initial weights. */
interface Bench {
  firstSteps(lambda: Lambda): Promise<FirstSteps>;
}

async function withBench<R>(job: FirstBatchesJob, work: (bench: Bench) => Promise<R>): Promise<R> {
  const { recipe } = job;
  const dataset = openDataset(job.datasetFolder);
  const spec = modelSpec(recipe, dataset.T, dataset.D);
  const source = await dataset.source();
  const train = { source, ids: splitDataset(dataset, recipe.split, recipe.seed).train };
  const engine = recipe.engine === 'auto' ? null : recipe.engine;
  const opened = await openModel({
    recipe,
    spec,
    resourcesDir: job.resourcesDir,
    engine,
    parameters: job.initFile
      ? await initialWeights(job.initFile, spec)
      : startParameters(recipe.start, spec, recipe.seed, train),
    maxBatch: recipe.batchSize,
  });
  try {
    const ids = train.ids.slice();
    stream(recipe.seed, 'shuffle').shuffle(ids);
    const initial = await opened.model.readParameters();
    const begin = await opened.model.readOptimizer();
    const steps = { most: Math.max(1, Math.floor(Math.min(MOST_ROWS, ids.length) / recipe.batchSize)) };
    const firstSteps = async (lambda: Lambda): Promise<FirstSteps> => {
      await opened.model.writeParameters(initial);
      await opened.model.writeOptimizer(begin);
      opened.model.setLoss({ ...lossConfig(recipe, spec.D), weights: lambda });
      return trainFirstSteps(opened.model, source, ids, recipe, lambda, steps);
    };
    return await work({ firstSteps });
  } finally {
    await opened.close();
    dataset.close();
  }
}

async function trainFirstSteps(
  model: TrainableModel,
  source: WindowSource,
  ids: Uint32Array,
  recipe: Recipe,
  lambda: Lambda,
  steps: { most: number },
): Promise<FirstSteps> {
  const { batchSize, lr } = recipe;
  const norms: UnitNorms[] = [];
  const values: Float64Array[] = [];
  const startMs = performance.now();
  for (let step = 1; step <= steps.most; step++) {
    if (performance.now() - startMs > MOST_MS) steps.most = step;
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
  const row = (term: Term, k: number) => {
    const value = Number.isFinite(mean(k)) ? mean(k) : null;
    return {
      value,
      weighted: value === null ? null : lambda[term] * value,
      share: value === null ? null : shareOfTotal(k),
      gradShare: shares[term],
    };
  };
  return Object.fromEntries(TERMS.map((term, k) => [term, row(term, k)])) as Record<Term, ReturnType<typeof row>>;
}

/** The recipe's own terms on its first batches. */
export function measureFirstBatches(job: FirstBatchesJob): Promise<TermTable> {
  return withBench(job, async (bench) => termTable(job.recipe.lambda, await bench.firstSteps(job.recipe.lambda)));
}

/** λ for the shares asked for; the term with the largest share keeps the λ it has, or 1. */
export function balanceRecipe(job: FirstBatchesJob): Promise<Balance> {
  const asked = job.shares ?? {};
  const leader = TERMS.reduce((a, b) => ((asked[b] ?? 0) > (asked[a] ?? 0) ? b : a));
  return withBench(job, async (bench) => {
    let last: FirstSteps = { norms: [], values: [] };
    const measure = async (lambda: Lambda): Promise<readonly UnitNorms[]> => {
      last = await bench.firstSteps(lambda);
      return last.norms;
    };
    const anchor = job.recipe.lambda[leader] > 0 ? job.recipe.lambda[leader] : 1;
    const result = await balanceLambda(asked, measure, { anchor });
    const { lambda, shares, worst, silent } = result;
    if (result.rounds[result.rounds.length - 1].lambda !== lambda) await measure(lambda);
    return {
      lambda,
      asked: result.asked,
      shares,
      worst,
      silent: [...silent],
      batches: last.norms.length,
      terms: termTable(lambda, last),
    };
  });
}
