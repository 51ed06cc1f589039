/** The memory of a run's trainer, estimated before it starts. */
import { availableParallelism } from 'node:os';
import { planModel } from '#engine/simd/plan.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import { gramMemoryBytes, withExtras, withTrainingWindows } from '#shared/domain/models/gram.ts';
import type { GradientSpec, ModelSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Home } from '../../store/home.ts';
import { partRuns } from '../parts.ts';

/** A trainer with a model of a few weights on one thread. */
const BASE_BYTES = 320e6;
/** Of each further thread. */
const THREAD_BYTES = 25e6;
const PAGE_BYTES = 65_536;
const FLOAT_BYTES = 4;
/** Copies of the weights outside the engine at the peak: initial and best ones, and checkpoints with both moments. */
const WEIGHT_COPIES = 15;
/** The linear baseline is fitted on at most this many windows, with two float32 copies of a vector each. */
const BASELINE_WINDOWS = 16_384;

/** The model of a recipe on a data set of `windows` training windows. */
export function specOf(home: Home, recipe: Recipe, { T, D, windows }: Pick<Dataset, 'T' | 'D' | 'windows'>): ModelSpec {
  const spec = modelSpec(recipe, T, D);
  if (spec.type !== 'gram') return spec;
  const extras = partRuns(home, recipe).map((part) => modelSpec(part.recipe, T, D) as GradientSpec);
  return withExtras(withTrainingWindows(spec, windows), extras);
}

type TrainingSize = Pick<Recipe, 'batchSize' | 'threads'>;

interface MemoryUse {
  readonly dataset: Pick<Dataset, 'storedBytes' | 'windows'>;
  readonly ood: Pick<Dataset, 'storedBytes'> | null;
  readonly spec: ModelSpec;
}

/** Bytes at the peak: vectors in memory, and what training needs beside them. Measured peaks: docs/BENCHMARKS.md. */
export function memoryBytes({ batchSize, threads }: TrainingSize, { dataset, ood, spec }: MemoryUse): number {
  const vectors = dataset.storedBytes + (ood?.storedBytes ?? 0);
  const workers = (threads ?? availableParallelism()) - 1;
  const baselines = Math.min(dataset.windows, BASELINE_WINDOWS) * spec.D * 2 * FLOAT_BYTES;
  const training =
    spec.type === 'gram'
      ? spec.extras.reduce((sum, extra) => sum + gradientBytes(batchSize, extra), gramMemoryBytes(spec))
      : gradientBytes(batchSize, spec);
  return Math.round(BASE_BYTES + workers * THREAD_BYTES + vectors + baselines + training);
}

/** What the simd engine allocates for a model and a batch, and the copies of the weights. */
function gradientBytes(batchSize: number, spec: GradientSpec): number {
  const { pages } = planModel({ spec, maxBatch: batchSize }, 1);
  return pages * PAGE_BYTES + WEIGHT_COPIES * FLOAT_BYTES * parameterCount(spec);
}
