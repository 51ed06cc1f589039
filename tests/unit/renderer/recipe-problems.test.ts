/** Validation messages of the form: field, range, remedy. */
import { describe, expect, test } from 'vitest';
import { withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { recipeProblems } from '../../../src/renderer/stores/recipe-problems.ts';
import { recipeBrief } from '../../../src/renderer/ui/text/recipe-brief.ts';

const GOOD = RecipeSchema.parse({ dataset: 'a' });

function problemsWith(path: string, value: unknown): Map<string, string> {
  const candidate = withValue(GOOD, path, value);
  const result = RecipeSchema.safeParse(candidate);
  return result.success ? new Map() : recipeProblems(result.error, candidate);
}

describe('each field', () => {
  test.each([
    ['lr', 0, 'Learning rate must be above 0. Usual: 1e-6 to 0.01, default 5e-4.'],
    ['lr', 11, 'Learning rate must be at most 10. Usual: 1e-6 to 0.01, default 5e-4.'],
    ['lr', Number.NaN, 'Learning rate must be a number. Usual: 1e-6 to 0.01, default 5e-4.'],
    ['epochs', 2.5, 'Epochs must be a whole number. Usual: 1 to 100, default 20.'],
    ['epochs', null, 'Epochs is empty. Usual: 1 to 100, default 20.'],
    ['split.validationShare', 0.95, 'Validation share must be below 0.9. Usual: 0.05 to 0.3, default 0.1.'],
    ['split.excludedArticles', '3,x', 'Write articles as numbers and ranges, e.g. 3,7-12.'],
    ['threads', 0, 'Threads must be at least 1. Usual: 1 to 64.'],
    ['dataset', '', 'Choose the data set to train on, or import one.'],
  ])('%s = %s', (path, value, sentence) => {
    expect([...problemsWith(path, value)]).toEqual([[path, sentence]]);
  });

  test('a valid recipe has none', () => {
    expect(problemsWith('lr', 1e-3).size).toBe(0);
  });
});

test('all λ = 0 is reported once', () => {
  const problems = problemsWith('lambda.mse', 0);
  expect([...problems.keys()]).toEqual(['lambda']);
  expect(problems.get('lambda')).toContain('nothing would be trained');
});

test('the short text of a recipe names only trained losses', () => {
  expect(recipeBrief(GOOD)).toBe('MSE 1 · 20 ep · B 32 · lr 5e-4');
  const mixed = { ...GOOD, lambda: { ...GOOD.lambda, mse: 0.5, info_nce: 0.5 } };
  const cured = { ...GOOD, inputs: 'relative', augment: { isometry: 0.5 } } as const;
  expect(recipeBrief(cured)).toBe('MSE 1 · relative · turned · 20 ep · B 32 · lr 5e-4');
  expect(recipeBrief(mixed)).toBe('MSE 0.5 + InfoNCE 0.5 · 20 ep · B 32 · lr 5e-4');
});
