/** Writes a stored set to a file. Runs in a data worker; the caller gives the file its name, or removes it. */
import { writeRows, type ExportOptions, type WrittenFile } from '../../formats/out/file.ts';
import { writeTable } from '../../formats/out/write.ts';
import type { ExportDataJob } from '../../processes/jobs/export-data.ts';
import { openDataset } from '../dataset.ts';
import { exportTable } from './table.ts';

/** Throws CANCELLED; faults of the file system name `job.target`. */
export async function exportDataset(job: ExportDataJob, options: ExportOptions): Promise<WrittenFile> {
  using dataset = openDataset(job.folder);
  const table = await exportTable(dataset, job);
  return await writeRows(job, table.rows, options, (out, writing) => writeTable(job.format, table, out, writing));
}
