/** Windows with history: their two derived inputs, what they may read, and where they are refused. */
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDataset, type Dataset } from '../../../src/main/datasets/dataset.ts';
import { importDataset, type ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { slidingWindows, syntheticChunks, testFolder, writeChunks, writeNpz } from './helpers.ts';
import type { SyntheticChunks } from './helpers.ts';

const T = 3;
const D = 6;

async function imported(data: SyntheticChunks, options: ImportOptions): Promise<Dataset> {
  const folder = testFolder();
  const file = await writeChunks(join(folder, 'chunks.npz'), data);
  await importDataset(file, join(folder, 'set'), { T, ...options });
  return openDataset(join(folder, 'set'));
}

/** Contexts [N, T + 2, D] and targets of all windows. */
async function windowsOf(set: Dataset) {
  const source = await set.source();
  const ids = Uint32Array.from({ length: set.windows }, (_, i) => i);
  const contexts = new Float32Array(set.windows * set.T * D);
  const targets = new Float32Array(set.windows * D);
  source.gather(ids, contexts, targets);
  set.close();
  return { contexts, targets, inputs: set.T };
}

function rowOf(vectors: Float32Array, i: number): number[] {
  return Array.from(vectors.subarray(i * D, (i + 1) * D));
}

/** Mean of chunks from..to, scaled to their mean length. */
function scaledMean({ vectors }: SyntheticChunks, from: number, to: number): number[] {
  const rows = Array.from({ length: to - from }, (_, i) => rowOf(vectors, from + i));
  const sum = rows[0].map((_, d) => rows.reduce((total, row) => total + row[d], 0));
  const length = rows.reduce((total, row) => total + Math.hypot(...row), 0) / rows.length;
  return sum.map((x) => (x * length) / Math.hypot(...sum));
}

/** First chunk of each window, and of its article. */
function placesOf({ articles, M }: SyntheticChunks): { start: number; first: number }[] {
  return Array.from({ length: M - T }, (_, start) => ({ start, first: articles.indexOf(articles[start]) })).filter(
    ({ start }) => articles[start] === articles[start + T],
  );
}

describe('derived inputs', () => {
  it.each([1, 2, 5, 100])('are the means of the article so far and of at most %i chunks before', async (K) => {
    const data = syntheticChunks(5, D, 4);
    for (let i = 0; i < data.vectors.length; i++) data.vectors[i] *= 1 + (Math.floor(i / D) % 3);
    const { contexts, targets, inputs } = await windowsOf(await imported(data, { history: K }));
    expect(inputs).toBe(T + 2);
    const places = placesOf(data);
    expect(contexts).toHaveLength(places.length * inputs * D);
    places.forEach(({ start, first }, w) => {
      const soFar = scaledMean(data, first, start + T);
      const before = start === first ? soFar : scaledMean(data, Math.max(first, start - K), start);
      const expected = [...soFar, ...before, ...data.vectors.subarray(start * D, (start + T) * D)];
      const got = contexts.subarray(w * inputs * D, (w + 1) * inputs * D);
      expected.forEach((x, i) => expect(got[i]).toBeCloseTo(x, 5));
      expect(rowOf(targets, w)).toEqual(rowOf(data.vectors, start + T));
    });
  });

  it('involve neither the target nor any later chunk, nor another article', async () => {
    const data = syntheticChunks(4, D, 8);
    const places = placesOf(data);
    const before = await windowsOf(await imported(data, { history: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.nat(places.length - 1), fc.integer({ min: 1, max: 100 }), async (w, seed) => {
        const { start, first } = places[w];
        // Every chunk that the window must not see is replaced.
        const other = syntheticChunks(40, D, seed).vectors;
        const vectors = Float32Array.from(other.subarray(0, data.vectors.length));
        vectors.set(data.vectors.subarray(first * D, (start + T) * D), first * D);
        const after = await windowsOf(await imported({ ...data, vectors }, { history: 4 }));
        const at = [w * before.inputs * D, (w + 1) * before.inputs * D] as const;
        expect(after.contexts.subarray(...at)).toEqual(before.contexts.subarray(...at));
        expect(rowOf(after.targets, w)).not.toEqual(rowOf(before.targets, w));
      }),
      { numRuns: 15 },
    );
  });

  it('do not depend on the order of the rows of the file', async () => {
    const data = syntheticChunks(4, D, 2);
    const order = Array.from({ length: data.M }, (_, i) => i).toSorted(
      (a, b) => data.articles[a] - data.articles[b] || data.chunks[b] - data.chunks[a],
    );
    const turned = {
      ...data,
      vectors: Float32Array.from(order.flatMap((i) => rowOf(data.vectors, i))),
      articles: order.map((i) => data.articles[i]),
      chunks: order.map((i) => data.chunks[i]),
    };
    const options = { history: 3 };
    const [a, b] = [await windowsOf(await imported(data, options)), await windowsOf(await imported(turned, options))];
    expect(b).toEqual(a);
  });

  it('are stored after the vectors of the file, of the article of their window; the passport says the task', async () => {
    const data = syntheticChunks(6, D, 3);
    const set = await imported(data, { history: 8, dtype: 'float16' });
    const { passport } = set.meta;
    expect(passport).toMatchObject({ T: T + 2, history: 8, duplicates: 0, rows: data.M });
    expect(passport.nonUnitRows).toBe(0);
    expect(set.fileVectors).toBe(data.M);
    // The first window of an article has one derived vector; equal means of two windows are stored once.
    expect(set.meta.vectors).toBeGreaterThan(data.M);
    expect(set.meta.vectors).toBeLessThanOrEqual(data.M + 2 * set.windows - 6);
    for (let w = 0; w < set.windows; w++) {
      for (const id of set.index.subarray(w * (T + 3), w * (T + 3) + 2)) {
        expect(id).toBeGreaterThanOrEqual(data.M);
        expect(set.vectorArticles[id]).toBe(set.windowArticles![w]);
      }
    }
    set.close();
  });
});

describe('history is refused', () => {
  async function refusal(file: string, options: ImportOptions): Promise<unknown> {
    return importDataset(file, join(testFolder(), 'set'), options).catch((error: unknown) => error);
  }

  it('for windows that a file holds, as is a context length', async () => {
    const data = syntheticChunks(3, D, 1);
    const { contexts, targets, N } = slidingWindows(data, T);
    const file = await writeNpz(join(testFolder(), 'windows.npz'), [
      { name: 'contexts', shape: [N, T, D], values: contexts },
      { name: 'targets', shape: [N, D], values: targets },
    ]);
    for (const options of [{ history: 8 }, { T: 4 }]) {
      expect(await refusal(file, options)).toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringContaining('windows.npz'),
        remedy: expect.stringContaining('article_indices'),
      });
    }
  });

  it('for chunks without articles, and together with windows that cross them', async () => {
    const data = syntheticChunks(3, D, 1);
    const folder = testFolder();
    const plain = await writeNpz(join(folder, 'plain.npz'), [
      { name: 'vectors', shape: [data.M, D], values: data.vectors },
    ]);
    const noArticles = { code: 'BAD_INPUT', message: expect.stringContaining('no article_indices') };
    expect(await refusal(plain, { history: 8 })).toMatchObject(noArticles);
    const whole = await writeChunks(join(folder, 'whole.npz'), data);
    const crossing = { code: 'BAD_INPUT', message: expect.stringContaining('cross articles') };
    expect(await refusal(whole, { history: 8, crossArticles: true })).toMatchObject(crossing);
  });
});
