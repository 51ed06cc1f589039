/** Data worker job that exports a model: input by folder and value, without the database. */
import { z } from 'zod';
import { RunCheckpointsSchema } from '#shared/contract/trainer.ts';
import { TaskSchema } from '#shared/domain/datasets/task.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

export const MODEL_FORMATS = ['safetensors', 'npz', 'onnx', 'tfjs', 'golden'] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

export const ExportModelJobSchema = z.object({
  ...RunCheckpointsSchema.shape,
  format: z.enum(MODEL_FORMATS),
  /** Folder of the checkpoint. */
  checkpoint: z.string(),
  recipe: RecipeSchema,
  resourcesDir: z.string(),
  engine: z.enum(['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu']).nullable(),
  /** File to write, for `tfjs` a folder. */
  target: z.string(),
  version: z.string(),
  run: z.object({ number: z.int(), name: z.string() }),
  task: TaskSchema.nullable(),
});
export type ExportModelJob = z.infer<typeof ExportModelJobSchema>;
