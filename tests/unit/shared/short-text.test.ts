/** Lists of issues in error messages: short, whatever a hostile input holds. */
import { expect, it } from 'vitest';
import { issueList } from '#shared/domain/short-text.ts';

it('names the first five issues and counts the others', () => {
  const issues = Array.from({ length: 7 }, (_, i) => ({ path: `items.${i}`, message: 'too big' }));
  expect(issueList(issues)).toBe(
    'items.0: too big; items.1: too big; items.2: too big; items.3: too big; items.4: too big; and 2 more',
  );
});

it('an issue of the whole input has no path', () => {
  expect(issueList([{ path: '', message: 'it is no object' }])).toBe('it is no object');
});

it('cuts long paths and long messages', () => {
  const issue = { path: 'k'.repeat(10_000), message: 'm'.repeat(1_000_000) };
  expect(issueList(Array.from({ length: 3000 }, () => issue)).length).toBeLessThan(3000);
});
