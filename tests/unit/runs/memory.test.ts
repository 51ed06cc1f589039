/** The estimate of a trainer's memory against peaks that were measured (docs/BENCHMARKS.md). */
import { expect, test } from 'vitest';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { modelSpec, RecipeSchema, type RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { memoryBytes } from '../../../src/main/runs/resources/memory.ts';

const SAMPLE = { D: 384, storedBytes: 3_196_392, windows: 3772 };
const DOCS = { D: 768, storedBytes: 46_908_348, windows: 25_400 };

test.each<[string, typeof SAMPLE, Partial<RecipeInput>, number]>([
  ['AMN of 18,000 weights', SAMPLE, { sizes: { dModel: 8, hiddenDim: 16 } }, 296],
  ['AMN, sample', SAMPLE, {}, 311],
  ['AMN, sample, two threads', SAMPLE, { threads: 2 }, 333],
  ['AMN, batch 32', DOCS, {}, 505],
  ['AMN, batch 256', DOCS, { batchSize: 256 }, 570],
  ['LSTM, batch 256', DOCS, { modelType: 'lstm', batchSize: 256 }, 883],
  ['GRU stack, batch 32', DOCS, { modelType: 'gru' }, 903],
])('%s: above the measured peak by less than a third', (_what, dataset, changes, peakMb) => {
  const recipe = RecipeSchema.parse({ dataset: 'd', threads: 1, ...changes });
  const spec = modelSpec(recipe, 5, dataset.D) as GradientSpec;
  const estimate = memoryBytes(recipe, { dataset, ood: null, spec }) / 1e6;
  expect(estimate).toBeGreaterThan(peakMb);
  expect(estimate).toBeLessThan(peakMb * (4 / 3));
});
