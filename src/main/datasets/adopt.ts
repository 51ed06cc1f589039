/**
 * Reconciles folders and rows of data sets at start: removes unfinished imports and deletions, and adds a row for every
 * complete folder without one (the process ended in between, or the history is a new one).
 */
import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { sweepUnfinishedImports } from './import.ts';
import { readMeta, type StoreMeta } from './store-files.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { findDataset, chunkOptions, insertDataset, type ImportOptions } from '../store/datasets.ts';
import { removeFolder, type Home } from '../store/home.ts';

const ID = /^[0-9a-f]{12}$/;

export async function tidyDatasets(home: Home): Promise<void> {
  await sweepUnfinishedImports(home.datasetsFolder);
  for (const name of readdirSync(home.datasetsFolder)) {
    if (name.startsWith('.deleted-')) await removeFolder(join(home.datasetsFolder, name));
    else if (ID.test(name) && findDataset(home.db, name) === null) adopt(home, name);
  }
}

function windowOptions(passport: StoreMeta['passport']): Partial<ImportOptions> {
  if (passport.kind === 'windows') return {};
  const { context, history } = taskOf(passport);
  return chunkOptions({ contextLength: context, history });
}

/** Adds the row of a folder. One that cannot be read is left for manual repair. */
function adopt(home: Home, id: string): void {
  try {
    const meta = readMeta(home.datasetFolder(id));
    insertDataset(home.db, {
      id,
      name: parse(meta.source.name).name,
      sourcePath: meta.source.name,
      isSample: false,
      importedAt: Date.now(),
      storedBytes: meta.storedBytes,
      passport: meta.passport,
      options: {
        dtype: meta.dtype,
        crossArticles: (meta.passport.crossings ?? 0) > 0,
        ...windowOptions(meta.passport),
      },
    });
  } catch (error) {
    console.error(`The data set folder ${id} could not be added to the history:`, (error as Error).message);
  }
}
