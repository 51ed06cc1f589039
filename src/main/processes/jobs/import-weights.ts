/** Data worker job that imports a run: input and result by folder and value, without the database. */
import { z } from 'zod';
import { ImportedSchema } from '#shared/contract/runs.ts';
import { CosineSumsSchema } from '#shared/domain/evaluation/interval.ts';
import { MODEL_TYPES } from '#shared/domain/models/models.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { EpochRecordSchema, STEP_COLUMNS, StoredCheckpointSchema } from '#shared/domain/runs/training.ts';

export const ImportRunJobSchema = z.object({
  path: z.string(),
  runId: z.string(),
  runFolder: z.string(),
  resourcesDir: z.string(),
  modelType: z.enum(MODEL_TYPES).nullable(),
  contextLength: z.int().nullable(),
  heads: z.int().nullable(),
  dataset: z.object({ id: z.string(), folder: z.string() }).nullable(),
  ood: z.object({ id: z.string(), folder: z.string() }).nullable(),
});
export type ImportRunJob = z.infer<typeof ImportRunJobSchema>;

const float32 = z.custom<Float32Array<ArrayBuffer>>((value) => value instanceof Float32Array, 'a Float32Array');

export const ImportedRunSchema = z.object({
  /** Name that the file gives the run. */
  name: z.string().nullable(),
  imported: ImportedSchema,
  recipe: RecipeSchema,
  /** Name of the training data in the file. */
  dataName: z.string().nullable(),
  parameters: z.int().nullable(),
  epochs: z.array(EpochRecordSchema),
  /** Columns of `lastStep` values, NaN where nothing was logged. */
  steps: z.object({ lastStep: z.int(), columns: z.partialRecord(z.enum(STEP_COLUMNS), float32) }).nullable(),
  /** null: the file holds no weights. */
  checkpoint: StoredCheckpointSchema.nullable(),
  measured: z
    .object({
      valCosine: z.number(),
      valLoss: z.number(),
      rows: z.int(),
      trainRows: z.int(),
      /** null: no OOD set was named. */
      oodCosine: z.number().nullable(),
      oodRows: z.int().nullable(),
      /** Its cosines over the articles. */
      sums: CosineSumsSchema,
    })
    .nullable(),
  /** What was not taken over or is damaged, one sentence each. */
  warnings: z.array(z.string()),
  /** Assumptions and omissions, one sentence each. */
  notes: z.array(z.string()),
});
export type ImportedRun = z.infer<typeof ImportedRunSchema>;
