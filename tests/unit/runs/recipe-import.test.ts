/** Pasted command lines that no recipe can have: refused as a bad recipe with the field at fault. */
import { expect, it } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { readCommandLine } from '../../../src/main/runs/recipe-import.ts';

const base = RecipeSchema.parse({ dataset: 'd' });

it.each([
  ['--lr 1e9', 'lr'],
  ['--sizes dModel', 'dModel'],
  ['--schedule sometimes', 'kind'],
  ['--schedule plateau:2', 'factor'],
  ['--gate 0:valLift:0:stop', 'epoch'],
])('%s names %s', (flags, place) => {
  expect(() => readCommandLine(`train.py ${flags}`, base)).toThrow(
    expect.objectContaining({ code: 'BAD_RECIPE', details: { place } }),
  );
});
