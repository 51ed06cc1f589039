/** What a data worker needs to export the predictions of a run for a whole data set. */
import { z } from 'zod';
import { PredictJobSchema } from './prediction.ts';

export const ExportPredictionsJobSchema = PredictJobSchema.omit({
  source: true,
  neighbourSet: true,
  neighbours: true,
}).extend({
  set: z.object({ name: z.string(), folder: z.string() }),
  /** Text of each target, and of the last chunk of its context. */
  texts: z.boolean(),
  /** File to write, and the name that errors give it. */
  temporary: z.string(),
  target: z.string(),
  /** Of Nextvec. */
  version: z.string(),
});
export type ExportPredictionsJob = z.infer<typeof ExportPredictionsJobSchema>;
