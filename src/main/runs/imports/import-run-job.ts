/** The data worker's part of an import: a history without weights, or a checkpoint. */
import type { ImportRunJob, ImportedRun } from '../../processes/jobs/import-weights.ts';
import { historySource } from '../histories/source.ts';

export async function importRunJob(job: ImportRunJob): Promise<ImportedRun> {
  const source = await historySource(job.path);
  if (source !== null) return (await import('../histories/import-history.ts')).importHistory(job, source);
  return (await import('./convert-weights.ts')).importWeights(job);
}
