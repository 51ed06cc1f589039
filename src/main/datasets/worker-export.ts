/** One export of a data set as a service call: a data worker writes a temporary file, this gives it its name or removes it. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetExportEvent } from '#shared/contract/datasets.ts';
import { DEFAULT_SPLIT, type DataExport } from '#shared/domain/datasets/export.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { fileWords } from '#shared/domain/names.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { targetFault, temporaryBeside } from '../formats/output-file.ts';
import type { ExportDataJob } from '../processes/jobs/export-data.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';
import { importOptionsOf, requireDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import { requireRun } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';
import { fromWireError } from '../wire/errors.ts';

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
  const { home, exportsFolder, version } = context;
  const { id, name } = requireDataset(home.db, input.id);
  const fileName = `${fileWords(name) || 'data'}.${input.format}`;
  const path = join(exportsFolder, fileName);
  const temporary = temporaryBeside(path);
  const split = splitOf(home, id, input.split);
  const job: ExportDataJob = { ...input, folder: home.datasetFolder(id), split, temporary, target: path, version };
  const worker = await context.workers.lease(signal);
  try {
    await mkdir(exportsFolder, { recursive: true });
    for await (const event of await worker.client.exportDataset(job, { signal })) {
      if (event.type === 'progress') {
        yield event;
        continue;
      }
      await rename(temporary, path);
      yield { ...event, path, fileName, importFlags: importFlags(home, input) };
    }
  } catch (error) {
    throwIfCancelled(signal, 'The export');
    throw targetFault(fromWireError(error), path);
  } finally {
    // Also when the reader has left: the worker ends before its half-written file is removed.
    await worker.release();
    await rm(temporary, { force: true });
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
