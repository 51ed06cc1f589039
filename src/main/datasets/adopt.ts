/**
 * Reconciles folders and rows of data sets at start: removes unfinished imports and deletions, and adds a row for every
 * complete folder without one (the process ended in between, or the history is a new one).
 */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join, parse } from 'node:path';
import { sweepUnfinishedImports } from './import/import.ts';
import { readMeta, type StoreMeta } from './store-files.ts';
import { taskOf } from '#shared/domain/datasets/task.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { removeUnfinishedIndexes } from './texts/search.ts';
import {
  findDataset,
  findDatasetByStoredContent,
  chunkOptions,
  insertDataset,
  type ImportOptions,
} from '../store/datasets.ts';
import { removeFolder, type Home } from '../store/home.ts';

const DELETED = '.deleted-';
const ID = /^[0-9a-f]{12}$/;

export async function tidyDatasets(home: Home): Promise<void> {
  await sweepUnfinishedImports(home.datasetsFolder);
  const names = readdirSync(home.datasetsFolder);
  for (const name of names.filter((name) => name.startsWith(DELETED))) await finishDeletion(home, name);
  for (const id of readdirSync(home.datasetsFolder).filter((name) => ID.test(name))) {
    removeUnfinishedIndexes(home.datasetFolder(id));
    if (findDataset(home.db, id) === null) await adopt(home, id);
  }
}

/** A set that is still listed was being replaced by an import of the same content; it gets its files back. */
async function finishDeletion(home: Home, name: string): Promise<void> {
  const path = join(home.datasetsFolder, name);
  const id = name.slice(DELETED.length);
  const isListed = ID.test(id) && findDataset(home.db, id) !== null;
  if (isListed && !existsSync(home.datasetFolder(id))) renameSync(path, home.datasetFolder(id));
  else await removeFolder(path);
}

function windowOptions(passport: StoreMeta['passport']): Partial<ImportOptions> {
  if (passport.kind === 'windows') return {};
  const { context, history } = taskOf(passport);
  return chunkOptions({ contextLength: context, history });
}

/** Adds the row of a folder, or removes a second copy of a listed set. One that cannot be read is left for manual repair. */
async function adopt(home: Home, id: string): Promise<void> {
  try {
    const meta = readMeta(home.datasetFolder(id));
    const { contentSha256 } = meta.passport;
    const listed = contentSha256 ? findDatasetByStoredContent(home.db, contentSha256) : null;
    if (listed !== null && existsSync(home.datasetFolder(listed.id))) {
      await removeFolder(home.datasetFolder(id));
      return;
    }
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
    console.error(`The data set folder ${id} could not be added to the history:`, messageOf(error));
  }
}
