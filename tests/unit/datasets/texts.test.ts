/** Texts of data files: read, stored beside the vectors, searched; files of tests/fixtures/make_tables.py. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openDataset, type Dataset } from '../../../src/main/datasets/dataset.ts';
import { importDataset, type ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { buildTextIndex, hasTextIndex, searchTexts } from '../../../src/main/datasets/texts/search.ts';
import { TextStoreWriter } from '../../../src/main/datasets/texts/text-store.ts';
import { textsOfWindows } from '../../../src/main/datasets/texts/window-texts.ts';
import { checkStored } from '../../../src/main/datasets/measures/verify.ts';
import { WorkerPool } from '../../../src/main/processes/worker-pool.ts';
import { ftsQuery } from '../../../src/main/store/text-index.ts';
import { importChunks, testHome } from '../../support/nextvec.ts';
import { testFolder } from './helpers.ts';

const TABLES = join(import.meta.dirname, '../../fixtures/tables');
const DISTINCT = 999;

function imported(file: string, options: ImportOptions = {}) {
  return importDataset(join(TABLES, file), join(testFolder(), 'dataset'), options);
}

function withDataset<R>(folder: string, work: (dataset: Dataset) => R): R {
  const dataset = openDataset(folder);
  try {
    return work(dataset);
  } finally {
    dataset.close();
  }
}

function allTexts(folder: string): (string | null)[] {
  return withDataset(folder, ({ meta, texts }) => Array.from({ length: meta.vectors }, (_, id) => texts().text(id)));
}

it.each(['chunks.npz', 'texts-unicode.npz', 'texts-bytes.npz', 'texts-string.npz'])(
  '%s: one text for each distinct vector',
  async (file) => {
    const { folder, passport } = await imported(file);
    expect(passport.texts).toMatchObject({ texts: DISTINCT, from: ['concept_texts'] });
    const texts = allTexts(folder);
    expect(texts[3]).toBe('chunk 3 of article 1, Zürich and harbour');
    // Row 7 repeats the vector of row 3 and has no text of its own.
    expect(texts[7]).toBe('chunk 8 of article 1, thimble and harbour');
    expect(texts[DISTINCT - 1]).toBe('chunk 19 of article 50, quarry and quarry');
    expect(texts).not.toContain(null);
  },
);

it('the content hash leaves texts out, and tells other data apart', async () => {
  const hash = async (file: string, options?: ImportOptions) => (await imported(file, options)).passport.contentSha256;
  const first = await hash('chunks.npz');
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await hash('texts-unicode.npz')).toBe(first);
  expect(await hash('chunks.npz', { texts: false })).toBe(first);
  expect(await hash('chunks.npz', { T: 4 })).not.toBe(first);
  expect(await hash('chunks.npz', { dtype: 'float16' })).not.toBe(first);
});

it('windows: texts of contexts and targets', async () => {
  const { folder, passport } = await imported('windows.npz');
  expect(passport.texts).toMatchObject({ texts: DISTINCT, from: ['context_texts', 'target_texts'] });
  const [first, last] = textsOfWindows(folder, [0, passport.windows - 1]);
  expect(first.context[0]).toBe('chunk 0 of article 1, harbour and harbour');
  expect(first.target).toBe('chunk 5 of article 1, ledger and harbour');
  expect(last.target).toBe('chunk 19 of article 50, quarry and quarry');
  expect(() => textsOfWindows(folder, [passport.windows])).toThrow('There is no window');
});

it('without texts nothing of them is stored', async () => {
  const { folder, passport } = await imported('chunks.npz', { texts: false });
  expect(passport.texts).toBeNull();
  expect(readdirSync(folder).filter((name) => name.includes('text'))).toEqual([]);
  expect(allTexts(folder)[0]).toBeNull();
  expect(() => searchTexts(folder, { words: 'harbour', limit: 5 })).toThrow('was imported without texts');
});

it('texts that do not fit the vectors: a warning, or an error where the user named the column', async () => {
  const { folder, passport } = await imported('texts-short.npz');
  expect(passport.warnings.map(({ code }) => code)).toContain('TEXTS_UNUSABLE');
  expect(passport.texts).toBeNull();
  expect(readdirSync(folder).filter((name) => name.includes('text'))).toEqual([]);
  const refused = { code: 'COUNT_MISMATCH', message: expect.stringContaining('concept_texts') as string };
  await expect(imported('texts-short.npz', { textColumn: 'concept_texts' })).rejects.toMatchObject(refused);
  await expect(imported('chunks.npz', { textColumn: 'words' })).rejects.toThrow('has no column "words"');
  await expect(imported('chunks.npz', { textColumn: 'vectors' })).rejects.toMatchObject({ code: 'UNSUPPORTED_DTYPE' });
});

it('finds damage of the stored texts', async () => {
  const { folder } = await imported('chunks.npz');
  const path = join(folder, 'texts.bin');
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 4;
  writeFileSync(path, bytes);
  expect(await checkStored(folder)).toMatchObject({ state: 'damaged' });
  expect(() => allTexts(folder)).toThrow('texts.bin is damaged');
});

it('refuses a text of more than a MiB with its place', () => {
  const writer = new TextStoreWriter(testFolder(), 1);
  expect(() => writer.add(0, 'x'.repeat(2 ** 20 + 1), () => 'file: text 5')).toThrow('file: text 5 has 1048577 bytes');
  writer.abandon();
});

it('searches by words, by phrase and by the beginning of the last word', async () => {
  const { folder } = await imported('chunks.npz');
  const found = (words: string, limit = 5) => searchTexts(folder, { words, limit }).map(({ vector }) => vector);
  const texts = allTexts(folder);
  const holding = (...words: string[]) =>
    texts.flatMap((text, vector) => (words.every((word) => text?.includes(word)) ? [vector] : [])).slice(0, 5);
  expect(found('LANTERN orchard')).toEqual(holding('lantern', 'orchard'));
  expect(found('"lantern and orchard"')).toEqual(holding('lantern and orchard'));
  for (const letters of ['q', 'qu', 'qua', 'quar']) {
    expect(found(`zurich ${letters}`)).toEqual(holding('Zürich', 'quarry'));
  }
  expect(found('雪 basalt')).toEqual(holding('雪', 'basalt'));
  expect(found('harbour nothing')).toEqual([]);
  const [hit] = searchTexts(folder, { words: 'lantern orchard', limit: 1 });
  expect(hit).toMatchObject({ article: 1, chunk: 12, window: 7, isTarget: true });
  expect(hit.text).toContain('lantern');
});

it('an index that is damaged or of another version is built again', async () => {
  const { folder } = await imported('chunks.npz');
  const path = join(folder, 'text-index.db');
  const search = () => searchTexts(folder, { words: 'lantern orchard', limit: 1 });
  const before = search();
  writeFileSync(path, 'no database');
  expect(search()).toEqual(before);
  const index = new Database(path);
  index.exec('DELETE FROM places; PRAGMA user_version = 0');
  index.close();
  expect(hasTextIndex(folder)).toBe(false);
  expect(search()).toEqual(before);
  expect(hasTextIndex(folder)).toBe(true);
  rmSync(path);
  buildTextIndex(folder);
  expect(search()).toEqual(before);
  expect(readdirSync(folder).filter((name) => name.includes('text-index'))).toEqual(['text-index.db']);
});

it('two first searches at once build the index once', async () => {
  const home = await testHome();
  const once = vi.spyOn(WorkerPool.prototype, 'once');
  onTestFinished(() => {
    once.mockRestore();
    return home.dispose();
  });
  const { client } = await home.open();
  const textOf = (article: number, chunk: number): string => `chunk ${chunk} of article ${article}`;
  const id = await importChunks(client, join(home.path, 'c.npz'), { articles: 3, chunksPerArticle: 8, D: 4, textOf });
  const search = async (words: string) => (await client.datasets.search({ id, words })).map(({ text }) => text);
  const found = await Promise.all([search('"chunk 5 of article 1"'), search('"chunk 7 of article 0"')]);
  expect(found).toEqual([['chunk 5 of article 1'], ['chunk 7 of article 0']]);
  expect(once).toHaveBeenCalledTimes(1);
});

it('quotes every word for FTS5', () => {
  expect(ftsQuery('a OR b*')).toBe('"a" "OR" "b*"*');
  expect(ftsQuery('one "two three"')).toBe('"one" "two three"');
  expect(() => ftsQuery(' "" - ')).toThrow('holds no word');
});
