/** Data sets that a job has opened are closed however it ends: a data worker serves other jobs after it. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { importDataset } from '../../../src/main/datasets/import/import.ts';
import { measureFirstBatches } from '../../../src/main/evaluation/first-batches.ts';
import { importWeights } from '../../../src/main/runs/imports/convert-weights.ts';
import { syntheticChunks, testFolder, writeChunks } from './helpers.ts';

/** Files of `folder` that this process has open. Linux only. */
function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
}

async function storedSet(): Promise<string> {
  const folder = testFolder();
  await importDataset(await writeChunks(join(folder, 'c.npz'), syntheticChunks(3, 4, 8)), join(folder, 'set'));
  return join(folder, 'set');
}

test.skipIf(process.platform !== 'linux')(
  'a job that is refused after it has opened its data set closes it',
  async () => {
    const datasetFolder = await storedSet();
    const recipe = RecipeSchema.parse({ dataset: 'set', modelType: 'gram' });
    const job = { recipe, datasetFolder, resourcesDir: '', initFile: null, shares: null };
    await expect(measureFirstBatches(job, () => undefined)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(openFiles(datasetFolder)).toEqual([]);
  },
);

test.skipIf(process.platform !== 'linux')(
  'a data set is closed where the OOD set beside it cannot be opened',
  async () => {
    const dataset = { id: 'set', folder: await storedSet() };
    const ood = { id: 'gone', folder: join(dataset.folder, 'gone') };
    const where = { path: 'model.safetensors', runId: 'run', runFolder: 'run', resourcesDir: 'resources' };
    const job = { ...where, modelType: null, contextLength: null, heads: null, dataset, ood };
    await expect(importWeights(job)).rejects.toThrow('gone');
    expect(openFiles(dataset.folder)).toEqual([]);
  },
);
