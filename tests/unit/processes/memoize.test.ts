/** The cache of worker results. */
import { expect, test } from 'vitest';
import { LruCache, memoize } from '../../../src/main/processes/memoize.ts';

test('LruCache drops the least recently used value', () => {
  const cache = new LruCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
});

test('memoize runs the work once for concurrent and later callers', async () => {
  const cache = new LruCache<Promise<number>>(2);
  let times = 0;
  const work = async (): Promise<number> => Promise.resolve(++times);
  expect(await Promise.all([memoize(cache, 'a', work), memoize(cache, 'a', work)])).toEqual([1, 1]);
  expect(await memoize(cache, 'a', work)).toBe(1);
  expect(await memoize(cache, 'b', work)).toBe(2);
});

test('memoize does not keep a rejected promise', async () => {
  const cache = new LruCache<Promise<number>>(2);
  await expect(memoize(cache, 'a', () => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
  expect(await memoize(cache, 'a', () => Promise.resolve(4))).toBe(4);
});
