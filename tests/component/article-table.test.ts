/** The table of articles: figures and sides, filter and order, and which articles are left out of training. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test, vi } from 'vitest';
import { reactive } from 'vue';
import type { Articles } from '#shared/contract/datasets.ts';
import ArticleTable from '../../src/renderer/features/datasets/ArticleTable.vue';
import { usualSplit, type TriedSplit } from '../../src/renderer/features/datasets/tried-split.ts';
import { dataset } from './support/fixtures.ts';
import { button, click, field, fill, mountPage, texts } from './support/page.ts';
import { client } from './support/rpc.ts';

const ARTICLES: Articles = {
  article: Float64Array.of(3, 4, 5, 9),
  length: Float64Array.of(20, 8, 30, 2),
  coherence: Float32Array.of(0.5, 0.25, 0.75, NaN),
  duplicates: Float64Array.of(0, 2, 30, 0),
};
const SIDES = { train: Float64Array.of(15, 0, 25, 0), validation: Float64Array.of(0, 3, 0, 0) };

const { articleSides } = client.datasets;
const set = dataset('docs');
let tried: TriedSplit;
beforeEach(async () => {
  articleSides.mockResolvedValue(SIDES);
  tried = reactive(usualSplit(set));
  await mountPage(ArticleTable, { dataset: set, articles: ARTICLES, modelValue: tried });
  await vi.waitUntil(() => articleSides.mock.calls.length === 1);
  await flushPromises();
});

const shownArticles = (): string[] => texts('tbody th');

test('shows each article with its figures and its side of the tried split', () => {
  expect(articleSides.mock.lastCall).toMatchObject([
    { id: set.id, split: { kind: 'article', validationShare: 0.1 }, seed: 7 },
    {},
  ]);
  expect(shownArticles()).toEqual(['3', '4', '5', '9']);
  expect(texts('tbody tr:nth-child(2) td').slice(0, 4)).toEqual(['8', '0.2500', '25.0 %', 'Validation']);
  expect(texts('tbody tr:nth-child(4) td').slice(0, 4)).toEqual(['2', 'none', '0.0 %', 'Neither']);
});

test('orders by a figure, unknown ones last', async () => {
  await click(button('Coherence'));
  expect(shownArticles()).toEqual(['4', '3', '5', '9']);
  await click(button('Coherence'));
  expect(shownArticles()).toEqual(['5', '3', '4', '9']);
});

test('articles that a filter leaves are excluded together, one by its box; validation says that it is still measured', async () => {
  await fill(field('Figure'), 'duplicates>');
  await fill(field('Limit of the figure'), '20');
  expect(shownArticles()).toEqual(['4', '5']);
  await click(button('Exclude these 2'));
  expect(tried.excluded).toBe('4-5');
  await fill(field('Figure'), '');
  expect(texts('tbody tr td:nth-child(5)')).toEqual(['Training', 'Validation, excluded', 'excluded', 'Neither']);
  await click(field('Exclude article 5 from training'));
  await click(field('Exclude article 9 from training'));
  expect(tried.excluded).toBe('4,9');
  await fill(field('Side'), 'excluded');
  expect(shownArticles()).toEqual(['4', '9']);
  // Which articles are excluded moves none to another side.
  expect(articleSides).toHaveBeenCalledTimes(1);
});

test('the split that is tried decides the sides', async () => {
  tried.seed = 8;
  await expect.poll(() => articleSides.mock.lastCall).toMatchObject([{ seed: 8 }, {}]);
});
