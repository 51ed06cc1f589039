/** The recipe of the one-click run on the sample. A module of its own: it needs the whole schema, which the list does not. */
import { PRESETS } from '#shared/domain/presets.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe.ts';

/** Enough to see the curve bend, short enough to wait for. */
const SAMPLE_EPOCHS = 5;

export function sampleRecipe(dataset: string, ood: string): Recipe {
  const preset = PRESETS.find((p) => p.id === 'mse');
  return RecipeSchema.parse({ ...preset?.changes, dataset, ood, epochs: SAMPLE_EPOCHS });
}
