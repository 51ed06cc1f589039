/** Data worker job that predicts: input by folder and value, without the database. */
import { z } from 'zod';
import { MOST_NEIGHBOURS } from '#shared/contract/inference.ts';
import { RunCheckpointsSchema } from '#shared/contract/trainer.ts';
import { TaskSchema } from '#shared/domain/datasets/task.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

export const PredictJobSchema = z.object({
  ...RunCheckpointsSchema.shape,
  runNumber: z.int(),
  runFolder: z.string(),
  recipe: RecipeSchema,
  task: TaskSchema.nullable(),
  engine: z.enum(['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu']).nullable(),
  resourcesDir: z.string(),
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('dataset'), name: z.string(), folder: z.string(), windows: z.array(z.int()) }),
    z.object({
      kind: z.literal('article'),
      name: z.string(),
      folder: z.string(),
      article: z.number(),
      index: z.int(),
    }),
    z.object({ kind: z.literal('file'), path: z.string(), rows: z.array(z.int()).nullable() }),
  ]),
  neighbourSet: z.object({ id: z.string(), name: z.string(), folder: z.string() }).nullable(),
  neighbours: z.int().min(0).max(MOST_NEIGHBOURS),
});
export type PredictJob = z.infer<typeof PredictJobSchema>;
