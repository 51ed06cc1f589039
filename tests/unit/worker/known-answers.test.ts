/** LRU cache of answers, each computed once. */
import { expect, test } from 'vitest';
import { KnownAnswers, workOutOnce } from '../../../src/main/worker/known-answers.ts';

test('those that were asked for last are kept', () => {
  const known = new KnownAnswers<number>(2);
  known.set('a', 1);
  known.set('b', 2);
  expect(known.get('a')).toBe(1);
  known.set('c', 3);
  expect([known.get('a'), known.get('b'), known.get('c')]).toEqual([1, undefined, 3]);
});

test('who asks at the same time, or later, gets the answer of one piece of work', async () => {
  const known = new KnownAnswers<Promise<number>>(2);
  let times = 0;
  const work = async (): Promise<number> => Promise.resolve(++times);
  expect(await Promise.all([workOutOnce(known, 'a', work), workOutOnce(known, 'a', work)])).toEqual([1, 1]);
  expect(await workOutOnce(known, 'a', work)).toBe(1);
  expect(await workOutOnce(known, 'b', work)).toBe(2);
});

test('work that failed is begun again', async () => {
  const known = new KnownAnswers<Promise<number>>(2);
  await expect(workOutOnce(known, 'a', () => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
  expect(await workOutOnce(known, 'a', () => Promise.resolve(4))).toBe(4);
});
