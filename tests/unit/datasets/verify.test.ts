/** Stored files against the checksums of their import: damage is refused, named, and repaired by importing again. */
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { measureArticles } from '../../../src/main/datasets/measures/article-table.ts';
import { compareDatasets } from '../../../src/main/datasets/measures/compare.ts';
import { openDataset, type Dataset } from '../../../src/main/datasets/dataset.ts';
import { countOverlap } from '../../../src/main/datasets/split/overlap.ts';
import { checkStored } from '../../../src/main/datasets/measures/verify.ts';
import { mapVectors } from '../../../src/main/evaluation/map.ts';
import { nearest } from '../../../src/main/inference/neighbours.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let folder: string;

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), {
    articles: 12,
    chunksPerArticle: 8,
    D: 8,
  });
  folder = join(home.path, 'home', 'datasets', dataset);
  cpSync(folder, join(home.path, 'whole'), { recursive: true });
});
afterAll(() => home.dispose());

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(home.path, 'whole'), folder, { recursive: true });
});

async function importAgain(): Promise<string> {
  const events = await nextvec.client.datasets.import({ path: join(home.path, 'walks.npz') });
  for await (const event of events) if (event.type === 'done') return event.dataset.id;
  throw new Error('the import ended without a data set');
}

const binaries = [
  'vectors.bin',
  'windows.bin',
  'window-articles.bin',
  'vector-articles.bin',
  'articles.bin',
  'chunks.bin',
  'squares.bin',
];

function flipBit(name: string): void {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
}

async function load(memoryBytes?: number, onDamage?: (error: unknown) => void): Promise<void> {
  const open = openDataset(folder);
  try {
    await open.source(undefined, { memoryBytes, onDamage });
  } finally {
    open.close();
  }
}

const damaged = (name: string) =>
  expect.objectContaining({
    code: 'STORE_DAMAGED',
    message: expect.stringContaining(name),
    remedy: expect.stringMatching(/^Import .*walks\.npz \(sha256 [0-9a-f]{12}\) again/),
  });

/** Not read when the set is loaded. */
const figures = 'article-figures.bin';

it('covers every stored file', () => {
  expect(readdirSync(folder).toSorted()).toEqual([...binaries, figures, 'meta.json'].toSorted());
});

it('the figures of its articles are those of the import; one flipped bit of them is refused', async () => {
  const { articles } = nextvec.client.datasets;
  const open = openDataset(folder);
  try {
    expect(await articles({ id: dataset })).toEqual(await measureArticles(open));
  } finally {
    open.close();
  }
  flipBit(figures);
  await expect(articles({ id: dataset })).rejects.toThrow(`${figures} is damaged`);
});

it('figures that an earlier version did not store are measured', async () => {
  const { articles } = nextvec.client.datasets;
  const stored = await articles({ id: dataset });
  rmSync(join(folder, figures));
  expect(await articles({ id: dataset })).toEqual(stored);
});

it('one flipped bit of any stored file is refused on loading', async () => {
  await load();
  for (const name of binaries) {
    flipBit(name);
    await expect(load()).rejects.toEqual(damaged(name));
    await expect(load(0)).rejects.toEqual(damaged(name));
    flipBit(name);
  }
  await load(0);
});

it('importing the same file again repairs a damaged set under its id', async () => {
  flipBit('vectors.bin');
  expect(await importAgain()).toBe(dataset);
  await load();
});

it('vectors that stay on disk are verified in the background', async () => {
  flipBit('vectors.bin');
  const onDamage = vi.fn<(error: unknown) => void>();
  await load(0, onDamage);
  await expect.poll(() => onDamage).toHaveBeenCalledWith(damaged('vectors.bin'));
});

it.each<[string, (set: Dataset) => Promise<unknown>]>([
  ['comparison', (set) => compareDatasets(set, set)],
  ['figures of articles', (set) => measureArticles(set)],
  ['overlap of a split', (set) => countOverlap(set, set)],
  ['neighbours of a prediction', (set) => nearest(set, new Float32Array(set.D).fill(1), 3)],
])('%s: damaged vectors are refused, whole ones used', async (_name, work) => {
  const use = async (): Promise<void> => {
    const set = openDataset(folder);
    try {
      await work(set);
    } finally {
      set.close();
    }
  };
  await use();
  flipBit('vectors.bin');
  await expect(use()).rejects.toEqual(damaged('vectors.bin'));
});

it('a map of damaged vectors is refused', async () => {
  flipBit('vectors.bin');
  const job = { folder, method: 'pca', evaluate: null, split: null, splitOf: '', seed: 7 } as const;
  await expect(mapVectors(job, () => undefined)).rejects.toEqual(damaged('vectors.bin'));
});

it('training on damaged vectors fails with the remedy; doctor --check names the set', async () => {
  const { client } = nextvec;
  expect(await checkStored(folder)).toEqual({ state: 'whole', problem: null });
  flipBit('vectors.bin');
  const { checks } = await client.app.doctor({ check: true });
  expect(checks).toEqual([
    { kind: 'data set', name: 'walks', state: 'damaged', problem: expect.stringContaining('walks.npz') },
  ]);
  const { runId } = await client.runs.start({ recipe: { dataset, epochs: 1, engine: 'cpu' } });
  await expect.poll(async () => (await client.runs.get({ runId })).run.status).toBe('failed');
  expect((await client.runs.get({ runId })).run.reason).toContain('vectors.bin is damaged');
});

it('importing again restores a deleted folder under the same id', async () => {
  rmSync(folder, { recursive: true });
  expect(await importAgain()).toBe(dataset);
  await load();
});

it('a set of version 0.1, without checksums, is usable and reported as not verifiable', async () => {
  const path = join(folder, 'meta.json');
  const { checksums: _checksums, ...meta } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(meta));
  expect(await checkStored(folder)).toEqual({ state: 'not verifiable', problem: null });
  await load();
});
