/** Baselines that are measured beside the training wait for a moment when somebody clicks, and are the same. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { importDataset } from '../../../src/main/datasets/import.ts';
import { WorkerPool } from '../../../src/main/worker/pool.ts';
import { writeChunks } from '../../support/chunks.ts';

test('a data worker that measures baselines rests when it is asked to give way', async () => {
  const home = await mkdtemp(join(tmpdir(), 'nextvec-give-way-'));
  onTestFinished(() => rm(home, { recursive: true }));
  const file = join(home, 'set.npz');
  const folder = join(home, 'set');
  await writeChunks(file, { articles: 20, chunksPerArticle: 12, D: 16 });
  await importDataset(file, folder);
  const pool = new WorkerPool(resolve('src/main/worker/entry.ts'));
  onTestFinished(() => pool.close());
  const split = { kind: 'article', validationShare: 0.2 } as const;
  const measure = () =>
    pool.client.measureBaselines({ folder, oodFolder: null, split, seed: 3, resourcesDir: resolve('resources') });
  const unasked = await measure();
  // On a fast machine the whole of it is less than a worker goes on between two turns: now one is due.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const askedMs = performance.now();
  await pool.client.giveWay();
  expect(await measure()).toEqual(unasked);
  expect(performance.now() - askedMs).toBeGreaterThan(450);
});
