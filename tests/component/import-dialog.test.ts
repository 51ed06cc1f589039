/** The import dialog: what a file holds, which column is what, and what is imported. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import type { FileDescription } from '#shared/domain/datasets/mapping.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import ImportDialog from '../../src/renderer/features/datasets/import/ImportDialog.vue';
import { useDraftStore } from '../../src/renderer/stores/draft-store.ts';
import { useDatasetsStore } from '../../src/renderer/stores/datasets-store.ts';
import { dataset } from './support/fixtures.ts';
import { button, click, field, fill, hasField, mountPage, texts, type Mounted } from './support/page.ts';
import { client, history } from './support/rpc.ts';

type Column = FileDescription['columns'][number];
const column = (name: string, type: string, readableAs: Column['readableAs'], rowShape: number[] = []): Column => ({
  name,
  type,
  readableAs,
  rowShape,
  rows: 1000,
  first: [`first of ${name}`],
});
/** A file none of whose names is known. */
const UNKNOWN: FileDescription = {
  format: 'jsonl',
  bytes: 5000,
  kind: 'chunks',
  columns: [
    column('minilm', 'list of numbers', ['floats'], [384]),
    column('kapitel', 'text', ['texts']),
    column('n', 'integer', ['integers']),
    column('satz', 'text', ['texts']),
  ],
  guess: { vector: 'minilm', article: null, order: null, articles: null, text: null },
};
const articles = {
  shortest: 20,
  median: 90,
  longest: 210,
  first: [{ article: 0, length: 90, text: 'CHAPTER I.' }],
};
const PASSPORT = { windows: 950, T: 5, vectors: 1000, D: 384, articles: 10, crossings: 0, texts: null } as Passport;
const warning = { code: 'SHORT_ARTICLES', message: '2 articles are too short.', count: 2 };

const { describe, preview } = client.datasets;
const imported = client.datasets.import;
beforeEach(() => {
  describe.mockResolvedValue(UNKNOWN);
  preview.mockResolvedValue({ passport: { ...PASSPORT, warnings: [warning] }, articles });
  imported.mockResolvedValue([]);
});

async function open(): Promise<Mounted> {
  const mounted = await mountPage(ImportDialog);
  useDatasetsStore().fileToImport = '/data/book.jsonl';
  await flushPromises();
  return mounted;
}

test('shows the columns with the guess; nothing is imported until it is said what an article is', async () => {
  await open();
  expect(describe.mock.calls).toMatchObject([[{ path: '/data/book.jsonl' }, {}]]);
  expect(texts('tbody th')).toEqual(['minilm', 'kapitel', 'n', 'satz']);
  expect(texts('tbody tr:first-child td')).toEqual(['vectors', 'list of numbers', '1,000 × 384', 'first of minilm']);
  expect(texts('form > p')).toEqual(['Choose what says to which article a row belongs.']);
  expect(button('Import').disabled).toBe(true);
});

test('an order that was guessed can be turned off', async () => {
  describe.mockResolvedValue({ ...UNKNOWN, guess: { ...UNKNOWN.guess, article: 'kapitel', order: 'n' } });
  await open();
  await fill(field('Order'), '');
  await click(button('Import'));
  expect(imported.mock.lastCall).toMatchObject([{ mapping: { article: 'kapitel', order: false } }, {}]);
});

test('imports what was chosen, after showing what will come out', async () => {
  await open();
  await fill(field('Articles'), 'column:kapitel');
  await fill(field('Order'), 'n');
  await fill(field('Texts'), 'satz');
  await fill(field('Stride'), '2');
  expect(texts('tbody td:nth-child(2)')).toEqual(['vectors', 'articles', 'order', 'texts']);
  const settings = {
    path: '/data/book.jsonl',
    mapping: { vector: 'minilm', article: 'kapitel', order: 'n', articles: null },
    textColumn: 'satz',
    texts: true,
    stride: 2,
    contextLength: null,
  };
  await expect.poll(() => preview.mock.lastCall).toMatchObject([settings, {}]);
  await flushPromises();
  expect(texts('[aria-label="What will come out"] p')).toEqual([
    '950 windows of 5 inputs and a target · 1,000 vectors of 384 · 10 articles · 0 across articles · no texts',
  ]);
  expect(texts('[aria-label="What will come out"] li')).toEqual(['2 articles are too short.']);
  await click(button('Import'));
  expect(imported.mock.lastCall).toMatchObject([settings, {}]);
  expect(useDatasetsStore().fileToImport).toBeNull();
});

test('articles by a rule: its threshold, or the beginning of a text', async () => {
  await open();
  await fill(field('Articles'), 'rule:split');
  await fill(field('Cosine to the chunk before'), '0.2');
  await expect.poll(() => texts('[aria-label="First articles"] li')).toEqual(['90 chunksCHAPTER I.']);
  expect(texts('[aria-label="What will come out"] p')).toContain('Articles of 20 to 210 chunks, median 90. The first:');
  await click(button('Import'));
  expect(imported.mock.lastCall).toMatchObject([
    { mapping: { article: null, articles: { by: 'split', threshold: 0.2 } } },
    {},
  ]);
  await open();
  await fill(field('Articles'), 'rule:prefix');
  expect(texts('form > p')).toEqual(['Choose the column of the texts.']);
  await fill(field('Texts'), 'satz');
  expect(button('Import').disabled).toBe(true);
  await fill(field('Beginning of an article’s first text'), 'CHAPTER');
  await click(button('Import'));
  expect(imported.mock.lastCall).toMatchObject([{ mapping: { articles: { by: 'prefix', prefix: 'CHAPTER' } } }, {}]);
});

test('windows need no mapping; a file that cannot be read says why', async () => {
  describe.mockResolvedValue({ ...UNKNOWN, kind: 'windows' });
  await open();
  expect(hasField('Articles')).toBe(false);
  await click(button('Import'));
  expect(imported).toHaveBeenCalledTimes(1);
  describe.mockRejectedValue(new Error('It is no file of vectors.'));
  await open();
  expect(texts('[role=alert]').join()).toContain('It is no file of vectors.');
});

test('imports and opens the form with the set; an OOD set of another shape is left out', async () => {
  history.datasets = [dataset('wide-ood', { D: 128 })];
  describe.mockResolvedValue({ ...UNKNOWN, kind: 'windows' });
  imported.mockResolvedValue([{ type: 'done', dataset: dataset('book'), alreadyThere: false }]);
  const { router } = await open();
  const draft = useDraftStore();
  draft.set('ood', 'wide-ood');
  expect(document.activeElement).toBe(button('Import'));
  await click(button('Import and train…'));
  await expect.poll(() => router.currentRoute.value.name).toBe('new-run');
  expect(draft.draft).toMatchObject({ dataset: 'book', ood: null });
});

test('Ctrl+Enter submits the dialog and is no shortcut of the page below', async () => {
  describe.mockResolvedValue({ ...UNKNOWN, kind: 'windows' });
  await open();
  const event = new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true });
  document.activeElement?.dispatchEvent(event);
  await flushPromises();
  expect(event.defaultPrevented).toBe(true);
  expect(imported).toHaveBeenCalledTimes(1);
});

test('a large file is counted on request only', async () => {
  describe.mockResolvedValue({ ...UNKNOWN, bytes: 1e9 });
  await open();
  await fill(field('Articles'), 'rule:file');
  await expect.poll(() => texts('button')).toContain('Count windows and articles');
  expect(preview).not.toHaveBeenCalled();
  await click(button('Count windows and articles'));
  expect(preview).toHaveBeenCalledTimes(1);
});
