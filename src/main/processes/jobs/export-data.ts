/** What a data worker needs to export a data set. */
import { z } from 'zod';
import { DataExportSchema } from '#shared/domain/datasets/export.ts';
import { SplitSchema } from '#shared/domain/recipe/recipe.ts';

export const ExportDataJobSchema = DataExportSchema.extend({
  /** Of the stored set. */
  folder: z.string(),
  split: z.object({ split: SplitSchema, seed: z.int().min(0) }).nullable(),
  /** File to write, and the name that errors give it. */
  temporary: z.string(),
  target: z.string(),
  /** Of Nextvec. */
  version: z.string(),
});
export type ExportDataJob = z.infer<typeof ExportDataJobSchema>;
