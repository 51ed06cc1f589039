/** Data worker job that writes a run as a PyTorch project: input by folder and value, without the database. */
import { z } from 'zod';
import { InitFileSchema } from '#shared/contract/trainer.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

export const TorchProjectJobSchema = z.object({
  recipe: RecipeSchema,
  /** Text of recipe.json. */
  recipeText: z.string(),
  /** Folder of the stored training data. */
  dataset: z.string(),
  /** Folder of the stored OOD set; null: the run has none. */
  ood: z.string().nullable(),
  /** Weights that the run started from; null: as its recipe says. */
  initFile: InitFileSchema.nullable(),
  resourcesDir: z.string(),
  /** Folder to write. */
  target: z.string(),
});
export type TorchProjectJob = z.infer<typeof TorchProjectJobSchema>;
