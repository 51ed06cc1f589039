/** Unknown fields of recipe files, plans and calls: refused with the nearest known name. */
import { describe, expect, test } from 'vitest';
import { parsePlan } from '#shared/domain/plans/plans.ts';
import { GivenRecipeSchema, nearestField, unknownFields } from '#shared/domain/recipe/field-names.ts';
import { RECIPE_FIELDS } from '#shared/domain/recipe/recipe-fields.ts';
import { parseRecipeFile, recipeFileText } from '#shared/domain/recipe/recipe-file.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

const RECIPE = RecipeSchema.parse({ dataset: 'd' });

describe('the nearest field', () => {
  test.each([
    ['learning_rate', 'lr'],
    ['lrr', 'lr'],
    ['batch_size', 'batchSize'],
    ['epoch', 'epochs'],
    ['wieghtDecay', 'weightDecay'],
    ['lambda-info', 'lambda.info_nce'],
    ['infonce', 'lambda.info_nce'],
    ['hidden_dim', 'sizes.hiddenDim'],
    ['validation_share', 'split.validationShare'],
  ])('%s means %s', (name, path) => {
    expect(nearestField(name)).toBe(path);
  });

  test('every field is known by its path, label and flag', () => {
    for (const { path, label, flag } of RECIPE_FIELDS)
      for (const name of [path, label, flag]) expect(nearestField(name)).toBe(path);
  });

  test.each(['', '123', 'devDependencies', 'x'.repeat(100_000)])('suggests no field for %.20s', (name) => {
    expect(nearestField(name)).toBeNull();
  });
});

describe('a recipe file', () => {
  test.each([
    [{ epochs: 1, learning_rate: 0.1 }, 'learning_rate: there is no such field; write "lr"'],
    [{ lambda: { msee: 1 } }, 'lambda.msee: there is no such field; write "lambda.mse"'],
    [{ gates: [{ epoch: 1, metric: 'valCosine', limit: 0.5 }] }, 'gates.0.limit: there is no such field'],
    [{ split: { validation_share: 0.2 } }, 'write "split.validationShare"'],
    [{ name: 'nextvec', version: '1', scripts: {}, main: 'index.js', bin: {}, files: [] }, 'and 1 more'],
  ])('%j is refused', (content, why) => {
    expect(() => parseRecipeFile(content, 'r.json')).toThrow(why);
    const file = {
      ...(JSON.parse(recipeFileText(RECIPE, { name: 'd', file: null, sha256: null, task: null }, null)) as object),
    };
    expect(() => parseRecipeFile({ ...file, recipe: content }, 'r.json')).toThrow(why);
  });

  test('that was exported, or holds only some fields, is read', () => {
    const data = { name: 'd', file: null, sha256: null, task: null };
    expect(parseRecipeFile(JSON.parse(recipeFileText(RECIPE, data, null)), 'r.json').recipe).toEqual(RECIPE);
    expect(parseRecipeFile({ ...RECIPE }, 'r.json').recipe).toEqual(RECIPE);
    expect(parseRecipeFile({ lr: 1e-3, lambda: { info_nce: 0.5 } }, 'r.json').recipe).toMatchObject({ lr: 1e-3 });
  });
});

test('a plan and a call give the same hint', () => {
  const recipe = { learning_rate: 0.1 };
  const plan = { name: 'p', dataset: 'd', items: [{ key: 'a', kind: 'train', recipe }] };
  expect(() => parsePlan(plan, 'plan.json')).toThrow(/recipe.learning_rate: there is no such field; write "lr"/);
  const given = GivenRecipeSchema.safeParse({ dataset: 'd', ...recipe });
  expect(given.error?.issues).toMatchObject([
    { path: ['learning_rate'], message: 'there is no such field; write "lr"' },
  ]);
  expect(GivenRecipeSchema.parse(RECIPE)).toEqual(RECIPE);
});

test.each([
  [{ split: { validation_share: 0.2 } }, ['split', 'validation_share'], 'write "split.validationShare"'],
  [{ schedule: { kind: 'plateau', patiance: 3 } }, ['schedule', 'patiance'], 'write "schedule.patience"'],
  [{ sizes: { hidden_dim: 64 } }, ['sizes', 'hidden_dim'], 'write "sizes.hiddenDim"'],
  [{ augment: { isometri: 1 } }, ['augment', 'isometri'], 'write "augment.isometry"'],
])('a call with %j gets the nearest name', (recipe, path, hint) => {
  const { error } = GivenRecipeSchema.safeParse({ dataset: 'd', ...recipe });
  expect(error?.issues).toMatchObject([{ path, message: expect.stringContaining(hint) }]);
});

test('a call with no recipe at all is refused', () => {
  for (const given of [null, 7, 'recipe', undefined]) expect(GivenRecipeSchema.safeParse(given).success).toBe(false);
});

test('λ of a term that only a newer version knows stays in the history', () => {
  const lambda = { ...RECIPE.lambda, later: 0.5 };
  expect(RecipeSchema.parse({ ...RECIPE, lambda }).lambda).toEqual(lambda);
  expect(unknownFields({ lambda })).toMatchObject([{ path: ['lambda', 'later'] }]);
});
