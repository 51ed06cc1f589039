/** Recipes and epoch records that another version stored. */
import { expect, it } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED } from '#shared/domain/runs/training.ts';
import { readEpochRecord, readRecipe } from '../../../src/main/store/stored-json.ts';

const FIGURES = { value: 0.5, weighted: 0.25, share: 0.1, gradShare: 0.2 };

it('a stored recipe has the default of every field and λ it lacks', () => {
  const stored = { dataset: 'd', seed: 11, lambda: { mse: 0.5 } };
  expect(readRecipe(JSON.stringify(stored))).toEqual(RecipeSchema.parse(stored));
});

it('a stored recipe keeps fields and λ of a newer version', () => {
  const stored = { ...RecipeSchema.parse({ dataset: 'd' }), later: 'x' };
  const read = readRecipe(JSON.stringify({ ...stored, lambda: { ...stored.lambda, later: 0.5 } }));
  expect(read).toEqual({ ...stored, lambda: { ...stored.lambda, later: 0.5 } });
});

it('terms that a stored record lacks were not measured, terms of a newer version are kept', () => {
  const stored = { epoch: 3, terms: { mse: FIGURES, later: FIGURES }, partGradNorms: { mse: 0.5, later: 0.25 } };
  const { terms, partGradNorms, epoch } = readEpochRecord(JSON.stringify(stored));
  expect(epoch).toBe(3);
  expect(terms).toEqual({ ...byTerm(() => TERM_NOT_MEASURED), mse: FIGURES, later: FIGURES });
  expect(partGradNorms).toEqual({ ...byTerm(() => null), mse: 0.5, later: 0.25 });
});
