/**
 * A recipe as a file: JSON that says which data it was for, so that it can be read on another machine. Reading accepts a
 * bare recipe too. Not here: finding the data set that is meant.
 */
import { z } from 'zod';
import { NextvecError } from '../errors.ts';
import { TrainableRecipeSchema, type Recipe } from './recipe.ts';

const DataReferenceSchema = z.object({
  name: z.string(),
  /** File it was imported from, or "sample". */
  file: z.string().nullable().default(null),
  /** Of its content; null: the set is gone. */
  sha256: z.string().nullable().default(null),
});
export type DataReference = z.infer<typeof DataReferenceSchema>;

const RecipeFileSchema = z.object({
  nextvec: z.literal('recipe'),
  version: z.literal(1),
  data: DataReferenceSchema.nullable(),
  ood: DataReferenceSchema.nullable(),
  recipe: TrainableRecipeSchema,
});
export type RecipeFile = z.infer<typeof RecipeFileSchema>;

export function recipeFileText(recipe: Recipe, data: DataReference, ood: DataReference | null): string {
  const file: RecipeFile = { nextvec: 'recipe', version: 1, data, ood, recipe };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The recipe in the JSON of a file; `place` is what errors call it. A recipe that names no data set gets "-". */
export function parseRecipeFile(content: unknown, place: string): RecipeFile {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw bad(place, 'it is no object');
  const whole =
    'nextvec' in content
      ? content
      : { nextvec: 'recipe', version: 1, data: null, ood: null, recipe: { dataset: '-', ...content } };
  const parsed = RecipeFileSchema.safeParse(whole);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw bad(place, issues.join('; '));
}

function bad(place: string, why: string): NextvecError {
  return new NextvecError('BAD_RECIPE', `${place} is not a recipe file: ${why}.`, {
    remedy: 'Export one with "nextvec export RUN --format recipe" and change that.',
    details: { place },
  });
}
