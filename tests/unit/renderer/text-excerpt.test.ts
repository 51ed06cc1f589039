/** What a hit of a search shows of its text. */
import { expect, test } from 'vitest';
import { excerpt } from '../../../src/renderer/parts/text-excerpt.ts';

const marked = (text: string, words: string): string =>
  excerpt(text, words)
    .map((stretch) => (stretch.isFound ? `[${stretch.text}]` : stretch.text))
    .join('');

test.each([
  ['Public money is money.', 'public money', '[Public] [money] is [money].'],
  ['moneyed, then money', '"money"', 'moneyed, then [money]'],
  ['moneyed men', 'money', '[moneyed] men'],
  ['the public, money', '"public money" th', '[the] [public, money]'],
  ['a (b)', '(b', 'a ([b])'],
  ['nothing here', 'zebra', 'nothing here'],
  ['no word', '"', 'no word'],
])('%s, searched for %s', (text, words, shown) => {
  expect(marked(text, words)).toBe(shown);
});

test('begins at a word shortly before the first one found', () => {
  const text = `${'far away and long ago there was '.repeat(4)}money in the bank`;
  expect(marked(text, 'bank money')).toMatch(/^… .{16,32}\[money\] in the \[bank\]$/);
});
