/** Data worker job that evaluates models: input by folder and value, without the database. */
import { z } from 'zod';
import { EVALUATION_PARTS } from '#shared/contract/evaluation.ts';
import { SplitProofSchema } from '#shared/contract/datasets.ts';
import { InitFileSchema, RunCheckpointsSchema } from '#shared/contract/trainer.ts';
import { RecipeSchema, SplitSchema } from '#shared/domain/recipe/recipe.ts';
import { TaskSchema } from '#shared/domain/datasets/task.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { MAP_METHODS } from '#shared/domain/datasets/vector-map.ts';
import { BaselinesSchema, TermTableSchema } from '#shared/domain/runs/training.ts';

export const EvaluateJobSchema = z.object({
  ...RunCheckpointsSchema.shape,
  runNumber: z.int(),
  runName: z.string(),
  recipe: RecipeSchema,
  task: TaskSchema.nullable(),
  runFolder: z.string(),
  /** Its validation cosine need not be known. */
  imported: z.boolean(),
  /** Of the run's training set. */
  datasetFolder: z.string(),
  /** The set to evaluate on; `folder` is the training set's for its own windows. */
  data: z.object({ id: z.string(), name: z.string(), folder: z.string(), part: z.enum(EVALUATION_PARTS) }),
  /** Also measure what can be had on the set. */
  ceiling: z.boolean(),
  resourcesDir: z.string(),
  /** Engine the run was trained on: its forward pass comes first. */
  engine: z.enum(['simd', 'tensorflow', 'webgpu', 'wasm', 'cpu']).nullable(),
  splitProof: SplitProofSchema.nullable(),
  /** As the run measured them. */
  baselines: BaselinesSchema,
  /** Of its last epoch. */
  terms: TermTableSchema.nullable(),
});
export type EvaluateJob = z.infer<typeof EvaluateJobSchema>;

export const MapJobSchema = z.object({
  folder: z.string(),
  method: z.enum(MAP_METHODS),
  /** null: the set has no split. */
  split: SplitSchema.nullable(),
  seed: z.int().min(0),
  splitOf: z.string(),
  /** The run whose predictions are shown, with this set as its data. */
  evaluate: EvaluateJobSchema.nullable(),
});
export type MapJob = z.infer<typeof MapJobSchema>;

export const FirstBatchesJobSchema = z.object({
  recipe: RecipeSchema,
  datasetFolder: z.string(),
  resourcesDir: z.string(),
  /** Weights the run starts from. */
  initFile: InitFileSchema.nullable(),
  /** Absent: measure the recipe's own λ. */
  shares: z.partialRecord(z.enum(TERMS), z.number().min(0)).nullable(),
});
export type FirstBatchesJob = z.infer<typeof FirstBatchesJobSchema>;
