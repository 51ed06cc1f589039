/** Formats that a data set is exported in, and what is exported of it. */
import { z } from 'zod';

export const DATA_EXPORT_FORMATS = ['parquet', 'arrow', 'npz', 'jsonl'] as const;
export type DataExportFormat = (typeof DATA_EXPORT_FORMATS)[number];

/** What each is, for menus and help. */
export const DATA_EXPORT_LABELS: Readonly<Record<DataExportFormat, string>> = {
  parquet: 'Parquet (pandas, pyarrow, DuckDB)',
  arrow: 'Arrow (Feather)',
  npz: 'numpy arrays (.npz)',
  jsonl: 'JSON Lines',
};

export const DataExportSchema = z.object({
  format: z.enum(DATA_EXPORT_FORMATS),
  /** With the texts of the set. */
  texts: z.boolean().default(false),
  /** The windows of a set that was imported from chunks, instead of the chunks. */
  windows: z.boolean().default(false),
  /** A column with the side of each row: in the split of a run, or in the split of a recipe's defaults (`default`); null: none. */
  split: z.string().min(1).nullable().default(null),
});
export type DataExport = z.infer<typeof DataExportSchema>;

/** For `split`. */
export const DEFAULT_SPLIT = 'default';
