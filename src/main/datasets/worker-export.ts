/** One export of a data set as a service call, written in a data worker. */
import { join } from 'node:path';
import type { DatasetExportEvent } from '#shared/contract/datasets.ts';
import { DEFAULT_SPLIT, type DataExport } from '#shared/domain/datasets/export.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { fileWords } from '#shared/domain/names.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { ExportDataJob } from '../processes/jobs/export-data.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import { writeExport, type ExportWork } from '../processes/write-export.ts';
import { importOptionsOf, requireDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import { requireRun } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';

export interface DataExportContext {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'lease'>;
  /** Where the file is written. */
  readonly exportsFolder: string;
  /** Of Nextvec. */
  readonly version: string;
}

export interface DataExportInput extends DataExport {
  readonly id: string;
}

/** Leaving the loop or aborting cancels and removes what was written. */
export async function* exportData(
  context: DataExportContext,
  input: DataExportInput,
  signal?: AbortSignal,
): AsyncGenerator<DatasetExportEvent> {
  const { home, workers, exportsFolder, version } = context;
  const { id, name } = requireDataset(home.db, input.id);
  const fileName = `${fileWords(name) || 'data'}.${input.format}`;
  const path = join(exportsFolder, fileName);
  const job = {
    ...input,
    folder: home.datasetFolder(id),
    split: splitOf(home, id, input.split),
    target: path,
    version,
  };
  const write: ExportWork['write'] = (client, temporary) => client.exportDataset({ ...job, temporary }, { signal });
  for await (const event of writeExport({ workers, path, write }, signal)) {
    if (event.type === 'progress') yield event;
    else yield { ...event, path, fileName, importFlags: importFlags(home, input) };
  }
}

function splitOf({ db }: Home, id: string, handle: string | null): ExportDataJob['split'] {
  if (handle === null) return null;
  const recipe =
    handle === DEFAULT_SPLIT ? RecipeSchema.parse({ dataset: id }) : readRecipe(requireRun(db, handle).recipe_json);
  return { split: recipe.split, seed: recipe.seed };
}

/** Flags with which `nextvec import` makes the same windows of the exported file; empty: none are needed. */
function importFlags({ db }: Home, { id, format, windows }: DataExportInput): string {
  const { passport } = requireDataset(db, id);
  const { crossArticles, stride, dtype, T } = importOptionsOf(db, id);
  const { history } = taskOf(passport);
  const flags = format === 'jsonl' && dtype === 'float16' ? ['--half'] : [];
  if (passport.kind === 'windows' || windows) return flags.join(' ');
  if (T !== undefined) flags.push(`--context-length ${T}`);
  if (history !== null) flags.push(`--history ${history}`);
  if (stride !== undefined) flags.push(`--stride ${stride}`);
  if (crossArticles) flags.push('--cross-articles');
  return flags.join(' ');
}
