/**
 * Brings folders and rows of data sets back in step at the start: what an import or a deletion left half done goes, and
 * a whole folder without a row (the process ended in between, or the history is a new one) gets its row back.
 */
import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { sweepUnfinishedImports } from '../datasets/import.ts';
import { readMeta } from '../datasets/store-files.ts';
import { findDataset, insertDataset } from './datasets.ts';
import { removeFolder, type Home } from './home.ts';

const ID = /^[0-9a-f]{12}$/;

export async function tidyDatasets(home: Home): Promise<void> {
  await sweepUnfinishedImports(home.datasetsFolder);
  for (const name of readdirSync(home.datasetsFolder)) {
    if (name.startsWith('.deleted-')) await removeFolder(join(home.datasetsFolder, name));
    else if (ID.test(name) && findDataset(home.db, name) === null) adopt(home, name);
  }
}

/** A folder that cannot be read stays where it is: it may be repaired by hand. */
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
      options: { dtype: meta.dtype, crossArticles: (meta.passport.crossings ?? 0) > 0 },
    });
  } catch (error) {
    console.error(`The data set folder ${id} could not be taken in:`, (error as Error).message);
  }
}
