/** Writes a table in one of the formats; each writer is loaded when it is needed. */
import type { DataExportFormat } from '#shared/domain/datasets/export.ts';
import type { Section } from './npz.ts';
import type { ByteSink, OutColumn, OutTable, WriteOptions } from './table.ts';

export interface Sections {
  /** Rows that have arrays of their own in a format of arrays. */
  readonly sections: readonly Section[];
  /** Names the section of each row in the other formats; null: there is one. */
  readonly fileSplit: OutColumn | null;
}

export async function writeTable(
  format: DataExportFormat,
  table: OutTable & Sections,
  out: ByteSink,
  options: WriteOptions,
): Promise<void> {
  if (format === 'npz') return (await import('./npz.ts')).writeNpz(table, table.sections, out, options);
  const { rows, columns, fileSplit } = table;
  const flat = { rows, columns: fileSplit ? [...columns, fileSplit] : columns };
  if (format === 'parquet') return (await import('./parquet.ts')).writeParquet([flat], out, options);
  if (format === 'arrow') return (await import('./arrow.ts')).writeArrow(flat, out, options);
  return (await import('./json-lines.ts')).writeJsonLines(flat, out, options);
}
