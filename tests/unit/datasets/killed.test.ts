/** What a killed program leaves of data sets with texts: at the next start each is whole, texts included, or gone. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import type { DataExportFormat } from '#shared/domain/datasets/export.ts';
import { exportDataset } from '../../../src/main/datasets/export/export.ts';
import { importDataset, sweepUnfinishedImports } from '../../../src/main/datasets/import/import.ts';
import { writeChunks } from '../../support/chunks.ts';
import { importChunks, testHome } from '../../support/nextvec.ts';
import { programFile } from '../../support/programs.ts';
import { testFolder } from './helpers.ts';

const CHUNKS = { articles: 3, chunksPerArticle: 8, D: 4 };
const textOf = (article: number, chunk: number): string => `chunk ${chunk} of article ${article}`;

async function fileOf(format: 'npz' | DataExportFormat, folder: string): Promise<string> {
  const chunks = join(folder, 'c.npz');
  await writeChunks(chunks, { ...CHUNKS, textOf });
  if (format === 'npz') return chunks;
  const set = (await importDataset(chunks, join(folder, 'exported'))).folder;
  const file = join(folder, `file.${format}`);
  const what = { format, texts: true, windows: false, split: null, temporary: file, target: file, version: '1' };
  await exportDataset({ ...what, folder: set }, { onProgress: () => undefined });
  return file;
}

// Rows of JSON Lines are written to columns of their own first.
it.each([
  ['npz', 3],
  ['jsonl', 10],
] as const)(
  'an import of %s killed before a write or sync leaves nothing after the next start',
  async (format, every) => {
    const folder = testFolder();
    const file = await fileOf(format, folder);
    const importInto = (store: string, n: number) => {
      mkdirSync(join(folder, store));
      const args = [programFile('tests/support/kill/killed-import.ts'), file, join(folder, store, 'set'), String(n)];
      return promisify(execFile)(process.execPath, args);
    };
    const calls = Number((await importInto('whole', 0)).stdout);
    expect(readdirSync(join(folder, 'whole/set'))).toEqual(expect.arrayContaining(['texts.bin', 'meta.json']));
    // The last call syncs the folder after the rename.
    const moments = Array.from({ length: Math.floor((calls - 1) / every) }, (_, i) => every * i + 1);
    const killed = moments.map(async (n) => {
      await expect(importInto(`store-${n}`, n)).rejects.toMatchObject({ signal: 'SIGKILL' });
      expect(await sweepUnfinishedImports(join(folder, `store-${n}`))).toBeGreaterThan(0);
      expect(readdirSync(join(folder, `store-${n}`))).toEqual([]);
    });
    await Promise.all(killed);
  },
  30_000,
);

async function storedSet() {
  const home = await testHome();
  onTestFinished(() => home.dispose());
  const nextvec = await home.open();
  const id = await importChunks(nextvec.client, join(home.path, 'c.npz'), { ...CHUNKS, textOf });
  await nextvec.close();
  const sets = join(home.path, 'home/datasets');
  return { home, id, sets, folder: join(sets, id) };
}

it('an import killed while it replaces the files of a set leaves the set as it was', async () => {
  const { home, id, sets, folder } = await storedSet();
  cpSync(folder, join(sets, 'aaaaaaaaaaaa'), { recursive: true });
  renameSync(folder, join(sets, `.deleted-${id}`));
  const { client } = await home.open();
  expect(readdirSync(sets)).toEqual([id]);
  expect((await client.datasets.list()).map((set) => set.id)).toEqual([id]);
  expect(await client.datasets.search({ id, words: 'chunk 7' })).toHaveLength(CHUNKS.articles);
});

it('an index that was not completed is removed at the next start', async () => {
  const { home, id, folder } = await storedSet();
  const unfinished = join(folder, 'text-index.db.12345678.tmp');
  writeFileSync(unfinished, 'half');
  const { client } = await home.open();
  expect(existsSync(unfinished)).toBe(false);
  expect(await client.datasets.search({ id, words: 'chunk 7' })).toHaveLength(CHUNKS.articles);
});
