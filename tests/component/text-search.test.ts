/** Search by words as on the Predict page and in the window inspector. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import type { TextHit } from '#shared/contract/datasets.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import TextSearch from '../../src/renderer/parts/TextSearch.vue';
import { button, click, field, fill, hasField, mountPage, texts } from './support/page.ts';
import { client } from './support/rpc.ts';
import { dataset } from './support/fixtures.ts';

const figures = { texts: 3, bytes: 90, storedBytes: 60, from: ['texts'] };
const docs = dataset('docs', { passport: { T: 5, history: null, texts: figures } as Passport });
const hit = (vector: number, text: string, window: number | null): TextHit => ({
  vector,
  text,
  window,
  article: 4,
  chunk: vector,
  isTarget: true,
});
const HITS = [hit(7, 'the public money', 2), hit(8, 'money of the public', null), hit(9, 'Public monies, money', 1340)];

const search = client.datasets.search;
const input = () => field('Find by words');
const press = async (element: Element, key: string): Promise<void> => {
  element.dispatchEvent(new KeyboardEvent('keydown', { key, code: key, bubbles: true, cancelable: true }));
  await flushPromises();
};

beforeEach(() => {
  search.mockResolvedValue(HITS);
});

test('typed words are searched on Enter; a hit shows its place and the words found', async () => {
  await mountPage(TextSearch, { dataset: docs });
  await fill(input(), ' public money ');
  expect(search).not.toHaveBeenCalled();
  await press(input(), 'Enter');
  expect(search.mock.calls).toMatchObject([[{ id: 'docs', words: 'public money' }, {}]]);
  expect(texts('.hits button')).toEqual([
    'window 2 · article 4the public money',
    'in no window · article 4money of the public',
    'window 1,340 · article 4Public monies, money',
  ]);
  expect(texts('mark')).toEqual(['public', 'money', 'money', 'public', 'Public', 'money']);
  expect(texts('[role=status]')).toEqual(['3 texts']);
});

test('arrow keys go through the hits that have a window; one is chosen', async () => {
  const { wrapper } = await mountPage(TextSearch, { dataset: docs });
  await fill(input(), 'money');
  await click(button('Find windows by words'));
  input().focus();
  await press(input(), 'ArrowDown');
  await press(document.activeElement!, 'ArrowDown');
  expect(document.activeElement?.textContent).toContain('window 1,340');
  await click(document.activeElement as HTMLElement);
  expect(wrapper.emitted('choose')).toMatchObject([[{ vector: 9, window: 1340 }]]);
  await press(document.activeElement!, 'ArrowUp');
  await press(document.activeElement!, 'ArrowUp');
  expect(document.activeElement).toBe(input());
});

test('says that nothing was found, until the words are removed', async () => {
  search.mockResolvedValue([]);
  await mountPage(TextSearch, { dataset: docs });
  await fill(input(), 'zebra');
  await press(input(), 'Enter');
  expect(texts('[role=status]')).toEqual(['No text has all of “zebra”.']);
  await fill(input(), '');
  expect(texts('[role=status]')).toEqual([]);
});

test('shows why a search failed', async () => {
  search.mockRejectedValue(new Error('The text index cannot be read.'));
  await mountPage(TextSearch, { dataset: docs });
  await fill(input(), 'money');
  await press(input(), 'Enter');
  expect(texts('[role=alert]').join()).toContain('The text index cannot be read.');
});

test('is absent for a set without texts, and forgets its hits with another set', async () => {
  const { wrapper } = await mountPage(TextSearch, { dataset: docs });
  await fill(input(), 'money');
  await press(input(), 'Enter');
  await wrapper.setProps({ dataset: dataset('bare') });
  expect(hasField('Find by words')).toBe(false);
  await wrapper.setProps({ dataset: docs });
  expect(texts('.hits button')).toEqual([]);
});
