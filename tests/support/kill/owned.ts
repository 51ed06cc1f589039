/** What the next start leaves of a storage folder whose process was killed or had no room: nothing that is not listed. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestHome } from '../nextvec.ts';

/**
 * Opens the folder as its owner, as the next start does, and closes it. Throws unless each folder of a run or data set is
 * listed, each data set that is listed has its folder, no export is half written, and finished runs hold checkpoints only.
 */
export async function checkOwned(home: TestHome): Promise<void> {
  const nextvec = await home.open();
  try {
    const [runs, datasets] = await Promise.all([nextvec.client.runs.list(), nextvec.client.datasets.list()]);
    const entries = (folder: string): Promise<string[]> => readdir(join(home.path, 'home', folder));
    const runIds = runs.map(({ id }) => id);
    const unlisted = (await entries('runs')).filter((name) => !runIds.includes(name));
    assert.deepEqual(unlisted, [], 'in runs/, but not in the history');
    assert.deepEqual((await entries('datasets')).toSorted(), datasets.map(({ id }) => id).toSorted(), 'datasets/');
    const partial = (await entries('exports')).filter((name) => name.endsWith('.tmp'));
    assert.deepEqual(partial, [], 'half written exports');
    for (const { id } of runs.filter(({ status }) => status === 'finished')) {
      const strangers = (await entries(join('runs', id))).filter((name) => !/^(best|last)-/.test(name));
      assert.deepEqual(strangers, [], `in the folder of the finished run ${id}`);
    }
  } finally {
    await nextvec.close();
  }
}
