/** The recipe of the one-click run on the sample. Loaded on demand, since it needs the recipe schema. */
import { PRESETS } from '#shared/domain/recipe/presets.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';

/** Enough epochs to see the curve flatten. */
const SAMPLE_EPOCHS = 5;

export function sampleRecipe(dataset: string, ood: string): Recipe {
  const preset = PRESETS.find((p) => p.id === 'mse');
  return RecipeSchema.parse({ ...preset?.changes, dataset, ood, epochs: SAMPLE_EPOCHS });
}
