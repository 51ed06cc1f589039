/** The memory of a run's trainer, estimated before it starts. */
import { availableParallelism } from 'node:os';
import type { Dataset } from '#shared/contract/datasets.ts';
import { gramMemoryBytes, withExtras, withTrainingWindows } from '#shared/domain/models/gram.ts';
import type { GradientSpec, ModelSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Home } from '../store/home.ts';
import { partRuns } from './parts.ts';

/** Weights, gradients and two moments, and an engine's copies of the activations of a batch. */
const FLOATS_PER_PARAMETER = 4;
const BASE_BYTES = 150 * 2 ** 20;

/** The model of a recipe on a data set of `windows` training windows. */
export function specOf(home: Home, recipe: Recipe, { T, D, windows }: Pick<Dataset, 'T' | 'D' | 'windows'>): ModelSpec {
  const spec = modelSpec(recipe, T, D);
  if (spec.type !== 'gram') return spec;
  const extras = partRuns(home, recipe).map((part) => modelSpec(part.recipe, T, D) as GradientSpec);
  return withExtras(withTrainingWindows(spec, windows), extras);
}

interface MemoryUse {
  readonly dataset: Pick<Dataset, 'storedBytes'>;
  readonly ood: Pick<Dataset, 'storedBytes'> | null;
  readonly spec: ModelSpec;
}

/** An estimate: vectors in memory, and what training needs beside them. */
export function memoryBytes(recipe: Recipe, { dataset, ood, spec }: MemoryUse): number {
  const vectors = dataset.storedBytes + (ood?.storedBytes ?? 0);
  const training =
    spec.type === 'gram'
      ? spec.extras.reduce((sum, extra) => sum + gradientBytes(recipe, extra), gramMemoryBytes(spec))
      : gradientBytes(recipe, spec);
  return Math.round(BASE_BYTES + vectors + training);
}

/** Parameters with gradients and moments, a batch's activations on every core. */
function gradientBytes({ batchSize }: Recipe, spec: ModelSpec): number {
  const batch = batchSize * spec.D * (spec.T + 1) * 4 * Math.min(4, availableParallelism());
  return parameterCount(spec) * FLOATS_PER_PARAMETER * 4 + batch;
}
