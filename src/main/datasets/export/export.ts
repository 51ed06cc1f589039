/** Writes a stored set to a file. Runs in a data worker; the caller gives the file its name, or removes it. */
import { open } from 'node:fs/promises';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { targetFault } from '../../formats/output-file.ts';
import { writeTable } from '../../formats/out/write.ts';
import type { ExportDataJob } from '../../processes/jobs/export-data.ts';
import { openDataset } from '../dataset.ts';
import { exportTable } from './table.ts';

export interface ExportedData {
  readonly rows: number;
  readonly bytes: number;
}

/** `onProgress`: share of the rows. Throws CANCELLED; faults of the file system name `job.target`. */
export async function exportDataset(
  job: ExportDataJob,
  onProgress: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<ExportedData> {
  const dataset = openDataset(job.folder);
  try {
    const table = await exportTable(dataset, job);
    const file = await open(job.temporary, 'wx');
    let done = 0;
    const onRows = (rows: number): void => {
      done += rows;
      onProgress(done / table.rows);
    };
    try {
      await writeTable(job.format, table, file, { createdBy: `Nextvec ${job.version}`, signal, onRows });
      throwIfCancelled(signal, 'The export');
      await file.sync();
      return { rows: table.rows, bytes: (await file.stat()).size };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw targetFault(error, job.target);
  } finally {
    dataset.close();
  }
}
