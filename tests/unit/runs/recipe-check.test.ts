/** Recipes their data sets cannot support are refused before a run is created, with field and remedy. */
import { expect, test } from 'vitest';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { NextvecError } from '#shared/domain/errors.ts';
import { RecipeSchema, type RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { checkRecipe } from '../../../src/main/runs/recipe-check.ts';
import { passport } from '../store/passport.ts';

const DATASET: Dataset = {
  id: 'data',
  name: 'data',
  sourcePath: '/data.npz',
  isSample: false,
  importedAt: 0,
  windows: 100,
  vectors: 120,
  T: 5,
  D: 16,
  storedBytes: 1,
  runCount: 0,
  passport,
};

/** Code, field and remedy of the error; null when the recipe is accepted. */
function refusal(recipe: Partial<RecipeInput>, data: Partial<Dataset> = {}, ood: Dataset | null = null): unknown {
  try {
    checkRecipe(RecipeSchema.parse({ dataset: 'data', ...recipe }), { ...DATASET, ...data }, ood);
    return null;
  } catch (error) {
    const { code, details, remedy } = error as NextvecError;
    return { code, place: (details as { place: string }).place, remedy };
  }
}

const directional = { lambda: { mse: 1, directional: 0.1 } };
const later = { lambda: { mse: 1, later: 0.5 } };
const moment = { batchSize: 1, lambda: { mse: 1, moment: 0.1 } };

test.each([
  ['one window', {}, { windows: 1 }, null, 'dataset', 'Choose a larger data set.'],
  ['an OOD set of another width', {}, {}, { ...DATASET, D: 8 }, 'ood', 'Choose an OOD set of the same'],
  ['a size the model does not have', { sizes: { heads: 3 } }, {}, null, 'sizes', 'Its sizes: '],
  [
    'heads that do not divide the width',
    { modelType: 'transformer', sizes: { dModel: 16, heads: 3 } },
    {},
    null,
    'sizes',
    'Change one of the sizes',
  ],
  ['moments of single rows', moment, {}, null, 'batchSize', 'Raise the batch size to at least 2'],
  ['a loss term this version does not have', later, {}, null, 'lambda.later', 'Set its λ to 0'],
  ['relative inputs of a fitted model', { modelType: 'gram', inputs: 'relative' }, {}, null, 'inputs', 'Set inputs to'],
  [
    'turned batches of a fitted model',
    { modelType: 'gram', augment: { isometry: 0.5 } },
    {},
    null,
    'augment.isometry',
    'Set augment to 0',
  ],
  ['the vector before a single one', directional, { T: 1 }, null, 'lambda.directional', 'Set λ directional to 0.'],
] as const)('%s', (_what, recipe, data, ood, place, remedy) => {
  expect(refusal(recipe as Partial<RecipeInput>, data, ood)).toEqual({
    code: 'BAD_RECIPE',
    place,
    remedy: expect.stringContaining(remedy) as string,
  });
});

test('accepts a trainable recipe', () => {
  expect(refusal({})).toBeNull();
  expect(refusal(directional, { T: 2 })).toBeNull();
  expect(refusal({ ...moment, batchSize: 2 })).toBeNull();
  expect(refusal({}, { T: 1 })).toBeNull();
});
