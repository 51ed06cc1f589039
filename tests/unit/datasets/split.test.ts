import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { articleSides, measureArticles } from '../../../src/main/datasets/measures/article-table.ts';
import { compareDatasets } from '../../../src/main/datasets/measures/compare.ts';
import { openDataset, type Dataset } from '../../../src/main/datasets/dataset.ts';
import { groupBySharedVectors } from '../../../src/main/datasets/split/groups.ts';
import { importDataset } from '../../../src/main/datasets/import/import.ts';
import { countOverlap } from '../../../src/main/datasets/split/overlap.ts';
import { proveNoLeak, splitDataset } from '../../../src/main/datasets/split/split.ts';
import { slidingWindows, syntheticChunks, testFolder, writeChunks, writeNpz, type SyntheticChunks } from './helpers.ts';

const ZOO = join(import.meta.dirname, '../../fixtures/zoo');

async function store(data: SyntheticChunks, options = {}): Promise<Dataset> {
  const folder = testFolder();
  await importDataset(await writeChunks(join(folder, 'c.npz'), data), join(folder, 'set'), options);
  return openDataset(join(folder, 'set'));
}

async function storeWindows(data: SyntheticChunks, T: number): Promise<Dataset> {
  const folder = testFolder();
  const { contexts, targets, N } = slidingWindows(data, T);
  const file = await writeNpz(join(folder, 'w.npz'), [
    { name: 'contexts', shape: [N, T, data.D], values: contexts },
    { name: 'targets', shape: [N, data.D], values: targets },
  ]);
  await importDataset(file, join(folder, 'set'));
  return openDataset(join(folder, 'set'));
}

/** Independent of proveNoLeak: compares the values of all rows of both sides. */
async function valuesInCommon(dataset: Dataset, train: Uint32Array, val: Uint32Array): Promise<number> {
  const source = await dataset.source();
  const { T, D } = dataset;
  const rows = (ids: Uint32Array): Set<string> => {
    const contexts = new Float32Array(ids.length * T * D);
    const targets = new Float32Array(ids.length * D);
    source.gather(ids, contexts, targets);
    const all = [contexts, targets].flatMap((values) =>
      Array.from({ length: values.length / D }, (_, i) => values.subarray(i * D, (i + 1) * D).join()),
    );
    return new Set(all);
  };
  const inVal = rows(val);
  return [...rows(train)].filter((row) => inVal.has(row)).length;
}

describe('a split by article', () => {
  it('never puts a vector or an article on both sides, for any data and seed', async () => {
    const cases = fc.record({
      articles: fc.integer({ min: 3, max: 12 }),
      dataSeed: fc.nat(500),
      seed: fc.nat(),
      share: fc.double({ min: 0.02, max: 0.5, noNaN: true }),
      crossArticles: fc.boolean(),
      repeated: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ articles, dataSeed, seed, share, crossArticles, repeated }) => {
        const data = syntheticChunks(articles, 5, dataSeed);
        // The same passage in two articles, like boilerplate.
        if (repeated) data.vectors.copyWithin(0, data.vectors.length - 10, data.vectors.length - 5);
        const dataset = await store(data, { crossArticles });
        const split = splitDataset(dataset, { kind: 'article', validationShare: share }, seed);
        const proof = proveNoLeak(dataset, split.train, split.val);
        expect(proof).toMatchObject({ sharedArticles: 0, sharedVectors: 0, ok: true });
        expect(await valuesInCommon(dataset, split.train, split.val)).toBe(0);
        expect(split.train.length + split.val.length + split.dropped).toBe(dataset.windows);
        expect(crossArticles || repeated ? 0 : split.dropped).toBe(0);
        dataset.close();
      }),
      { numRuns: 60 },
    );
  });

  it('depends on the seed alone and takes about the requested share', async () => {
    const dataset = await store(syntheticChunks(60, 4, 9));
    const draw = (seed: number): Uint32Array =>
      splitDataset(dataset, { kind: 'article', validationShare: 0.1 }, seed).val;
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    for (let seed = 0; seed < 20; seed++) {
      const share = draw(seed).length / dataset.windows;
      expect(share).toBeGreaterThanOrEqual(0.1);
      expect(share).toBeLessThan(0.15);
    }
    dataset.close();
  });

  it('needs two articles', async () => {
    const dataset = await store(syntheticChunks(1, 4, 9));
    expect(() => splitDataset(dataset, { kind: 'article', validationShare: 0.1 }, 1)).toThrow(
      expect.objectContaining({ code: 'BAD_RECIPE' }),
    );
    dataset.close();
  });

  it('without article numbers, cuts the chain and drops leaking windows', async () => {
    const dataset = await storeWindows(syntheticChunks(12, 6, 10), 5);
    const split = splitDataset(dataset, { kind: 'article', validationShare: 0.2 }, 3);
    expect(await valuesInCommon(dataset, split.train, split.val)).toBe(0);
    expect(proveNoLeak(dataset, split.train, split.val)).toMatchObject({
      sharedArticles: null,
      sharedVectors: 0,
      ok: true,
    });
    expect(split.warnings.map((w) => w.code)).toContain('NO_ARTICLES');
    expect(split.dropped).toBeGreaterThan(0);
    expect(split.train.length).toBeGreaterThan(dataset.windows * 0.4);
    dataset.close();
  });

  it('with metadata, does the same', async () => {
    const folder = testFolder();
    await importDataset(join(ZOO, 'compressed_meta.npz'), join(folder, 'set'));
    const dataset = openDataset(join(folder, 'set'));
    for (let seed = 0; seed < 10; seed++) {
      const split = splitDataset(dataset, { kind: 'article', validationShare: 0.2 }, seed);
      expect(proveNoLeak(dataset, split.train, split.val)).toMatchObject({
        ok: true,
        sharedArticles: 0,
        sharedVectors: 0,
      });
      expect(await valuesInCommon(dataset, split.train, split.val)).toBe(0);
    }
    dataset.close();
  });
});

describe('groups of windows that share vectors', () => {
  it('are the articles when windows do not cross articles', () => {
    const index = Uint32Array.of(0, 1, 2, 1, 2, 3, 10, 11, 12, 11, 12, 13, 2, 3, 4, 20, 21, 22);
    const { groups, count, cuts } = groupBySharedVectors(index, 2, 30, 5);
    expect([...groups]).toEqual([0, 0, 1, 1, 0, 2]);
    expect([count, cuts]).toEqual([3, 0]);
  });

  it('follow a long chain for any order of windows', () => {
    const order = [4, 0, 2, 5, 1, 3];
    const index = Uint32Array.from(order.flatMap((w) => [w, w + 1, w + 2]));
    const { groups, count, cuts } = groupBySharedVectors(index, 2, 10, 4);
    const byWindow = order.map((w, i) => [w, groups[i]]).toSorted((a, b) => a[0] - b[0]);
    expect(byWindow.map(([, group]) => group)).toEqual([0, 0, 1, 1, 2, 2]);
    expect([count, cuts]).toEqual([3, 2]);
  });
});

describe('excluded articles', () => {
  it.each(['article', 'random'] as const)('a split "%s" leaves them out of training only', async (kind) => {
    const dataset = await store(syntheticChunks(10, 8, 5), { crossArticles: true });
    const split = { kind, validationShare: 0.3 };
    const all = splitDataset(dataset, split, 3);
    const some = splitDataset(dataset, { ...split, excludedArticles: '1,4-6' }, 3);
    expect(some.val).toEqual(all.val);
    const holds = (w: number): boolean => {
      const ids = dataset.index.subarray(w * (dataset.T + 1), (w + 1) * (dataset.T + 1));
      return Array.from(ids, (id) => dataset.articleLabels![dataset.vectorArticles[id]]).some((a) =>
        [1, 4, 5, 6].includes(a),
      );
    };
    expect(some.train).toEqual(all.train.filter((w) => !holds(w)));
    expect(some.train.length).toBeLessThan(all.train.length);
    expect(some.warnings.at(-1)).toMatchObject({ count: all.train.length - some.train.length });
    const articles = new Set(Array.from(some.train, (w) => dataset.windowArticles![w]));
    expect(some.trainGroups).toBe(kind === 'article' ? articles.size : null);
  });

  it.each([
    ['1-10', 'no training window is left'],
    ['1,12', 'no article 12 to exclude'],
    ['1,12-14', 'no article from 12 to 14 to exclude'],
  ])('%s is refused', async (excludedArticles, why) => {
    const dataset = await store(syntheticChunks(10, 8, 5));
    const split = { kind: 'article', validationShare: 0.2, excludedArticles } as const;
    expect(() => splitDataset(dataset, split, 1)).toThrow(why);
  });

  it('are refused where the file does not say its articles', async () => {
    const dataset = await storeWindows(syntheticChunks(10, 8, 5), 3);
    const split = { kind: 'article', validationShare: 0.2, excludedArticles: '1' } as const;
    expect(() => splitDataset(dataset, split, 1)).toThrow('does not say its articles');
  });
});

it('the figures of articles: length, repeated chunks, coherence, windows on each side', async () => {
  const data = syntheticChunks(10, 8, 5);
  const first = data.articles.indexOf(2);
  // The first two chunks of article 2 become those of article 1.
  data.vectors.set(data.vectors.subarray(0, 2 * data.D), first * data.D);
  const dataset = await store(data);
  const { article, length, duplicates, coherence } = await measureArticles(dataset);
  expect([...article]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([...length]).toEqual([...article].map((a) => data.articles.filter((other) => other === a).length));
  expect([...duplicates]).toEqual([0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(coherence.every((mean) => mean >= -1 && mean <= 1)).toBe(true);
  const split = { kind: 'article', validationShare: 0.3, excludedArticles: '1' } as const;
  const { train, val } = splitDataset(dataset, split, 3);
  const sides = articleSides(dataset, split, 3);
  const windowsOf = (side: Uint32Array, d: number): number =>
    side.filter((w) => dataset.windowArticles![w] === d).length;
  expect([...sides.train]).toEqual([...article].map((_, d) => windowsOf(train, d)));
  expect([...sides.validation]).toEqual([...article].map((_, d) => windowsOf(val, d)));
  expect(sides.train[0]).toBe(0);
});

describe('other splits', () => {
  it('a random split leaks, and reports how much', async () => {
    const dataset = await store(syntheticChunks(10, 5, 11));
    const split = splitDataset(dataset, { kind: 'random', validationShare: 0.25 }, 1);
    const proof = proveNoLeak(dataset, split.train, split.val);
    expect(proof.ok).toBe(false);
    expect(proof.sharedVectors).toBe(await valuesInCommon(dataset, split.train, split.val));
    expect(split.warnings).toMatchObject([{ code: 'RANDOM_SPLIT', count: proof.sharedVectors }]);
    expect(split.val.length).toBe(Math.round(dataset.windows / 4));
    dataset.close();
  });

  it('the split of the file is kept and its leak reported; refused where the file has none', async () => {
    const folder = testFolder();
    await importDataset(join(ZOO, 'keys_train_prefixed.npz'), join(folder, 'set'));
    const dataset = openDataset(join(folder, 'set'));
    const split = splitDataset(dataset, { kind: 'file', validationShare: 0.1 }, 1);
    expect([split.train.length, split.val.length, split.val[0]]).toEqual([160, 20, 160]);
    expect(split.warnings).toMatchObject([{ code: 'SPLITS_OVERLAP', count: 25 }]);
    dataset.close();
    const other = await store(syntheticChunks(4, 4, 12));
    expect(() => splitDataset(other, { kind: 'file', validationShare: 0.1 }, 1)).toThrow(/does not bring a split/);
    other.close();
  });
});

describe('vectors shared by two sets', () => {
  it('are counted exactly, without zero vectors, float16 against rounded float32', async () => {
    const a = syntheticChunks(8, 16, 13);
    const b = syntheticChunks(8, 16, 14);
    for (const [from, to] of [
      [3, 5],
      [20, 40],
      [21, 41],
    ])
      b.vectors.set(a.vectors.subarray(from * 16, (from + 1) * 16), to * 16);
    a.vectors.fill(0, 0, 16);
    b.vectors.fill(0, 0, 16);
    const [x, y, half] = [await store(a), await store(b), await store(b, { dtype: 'float16' })];
    const articles = new Set([5, 40, 41].map((row) => b.articles[row])).size;
    expect(await countOverlap(x, y)).toEqual({ sharedVectors: 3, sharedArticles: articles });
    expect(await countOverlap(x, half)).toEqual({ sharedVectors: 3, sharedArticles: articles });
    expect(await countOverlap(x, y, new Uint8Array(x.meta.vectors))).toEqual({ sharedVectors: 0, sharedArticles: 0 });
    for (const dataset of [x, y, half]) dataset.close();
  });
});

/** The same vectors seen by another encoder: rotated by a product of reflections. */
function rotated(data: SyntheticChunks): SyntheticChunks {
  const axes = syntheticChunks(30, data.D, 99);
  const vectors = Float32Array.from(data.vectors);
  for (let axis = 0; axis < axes.M; axis++) {
    const v = axes.vectors.subarray(axis * data.D, (axis + 1) * data.D);
    for (let row = 0; row < data.M; row++) {
      const x = vectors.subarray(row * data.D, (row + 1) * data.D);
      const along = 2 * x.reduce((sum, value, d) => sum + value * v[d], 0);
      for (let d = 0; d < data.D; d++) x[d] -= along * v[d];
    }
  }
  return { ...data, vectors };
}

describe('two sets side by side', () => {
  const D = 96;
  it('verdicts: another encoder is different, the same region same, smoothed articles shifted', async () => {
    const data = syntheticChunks(60, D, 20);
    const half = (parity: number): SyntheticChunks => {
      const rows = data.articles.flatMap((article, row) => (article % 2 === parity ? [row] : []));
      return {
        D,
        M: rows.length,
        vectors: Float32Array.from(rows.flatMap((row) => [...data.vectors.subarray(row * D, (row + 1) * D)])),
        articles: rows.map((row) => data.articles[row]),
        chunks: rows.map((row) => data.chunks[row]),
      };
    };
    const even = await store(half(0));
    const odd = await store(half(1));
    const foreign = await store(rotated(half(1)));
    const smooth = await store(syntheticChunks(60, D, 20, 0.6));
    const whole = await store(data);
    const same = await compareDatasets(even, odd);
    expect(same.verdict).toBe('same');
    expect(same.nearest.across).toBeGreaterThan(same.nearest.chance ?? 1);
    const different = await compareDatasets(even, foreign);
    expect(different.verdict).toBe('different');
    expect(different.reasons.join(' ')).toContain('different encoders');
    expect(different.meanDirectionCosine).toBeLessThan(0.5);
    expect(different.reasons.join(' ')).not.toMatch(/-\d/);
    const shifted = await compareDatasets(whole, smooth);
    expect(shifted.verdict).toBe('shifted');
    expect(shifted.reasons.join(' ')).toContain('easier to predict');
    const itself = await compareDatasets(whole, whole);
    expect(itself).toMatchObject({ verdict: 'same', sharedVectors: data.M, sharedArticles: 60 });
    expect(itself.subspaceOverlap).toBeCloseTo(1, 5);
    expect(itself.rows.find((row) => row.field === 'rows')).toEqual({ field: 'rows', a: data.M, b: data.M });
    for (const dataset of [even, odd, foreign, smooth, whole]) dataset.close();
  });

  it('sets of different widths are different', async () => {
    const [a, b] = [await store(syntheticChunks(4, 6, 1)), await store(syntheticChunks(4, 7, 1))];
    expect(await compareDatasets(a, b)).toMatchObject({
      verdict: 'different',
      sharedVectors: 0,
      meanDirectionCosine: null,
    });
    a.close();
    b.close();
  });
});

it('coherence is the mean cosine of consecutive vectors in an article', async () => {
  const data = syntheticChunks(7, 8, 30);
  const dataset = await store(data);
  const { coherence } = await measureArticles(dataset);
  const cosines: number[] = [];
  for (let i = 0; i + 1 < data.M; i++) {
    if (data.articles[i] !== 3 || data.articles[i + 1] !== 3) continue;
    cosines.push(
      data.vectors.subarray(i * 8, (i + 1) * 8).reduce((sum, x, d) => sum + x * data.vectors[(i + 1) * 8 + d], 0),
    );
  }
  expect(coherence[2]).toBeCloseTo(cosines.reduce((a, b) => a + b) / cosines.length, 5);
  dataset.close();
});

it('coherence of a file of windows is the mean cosine of consecutive context vectors in the windows of an article', async () => {
  const folder = testFolder();
  await importDataset(join(ZOO, 'compressed_meta.npz'), join(folder, 'set'));
  const dataset = openDataset(join(folder, 'set'));
  const { T, D, windowArticles } = dataset;
  const ids = Uint32Array.from({ length: dataset.windows }, (_, w) => w).filter((w) => windowArticles?.[w] === 1);
  const contexts = new Float32Array(ids.length * T * D);
  (await dataset.source()).gather(ids, contexts, new Float32Array(ids.length * D));
  const row = (i: number) => contexts.subarray(i * D, (i + 1) * D);
  const cosines = Array.from(ids).flatMap((_, w) =>
    Array.from({ length: T - 1 }, (__, t) => {
      const [a, b] = [row(w * T + t), row(w * T + t + 1)];
      return a.reduce((sum, x, d) => sum + x * b[d], 0) / (Math.hypot(...a) * Math.hypot(...b));
    }),
  );
  const { coherence } = await measureArticles(dataset);
  expect(coherence[1]).toBeCloseTo(cosines.reduce((a, b) => a + b) / cosines.length, 5);
  dataset.close();
});

it('refuses a split by article when all vectors are equal, and says why', async () => {
  const data = syntheticChunks(6, 8, 3);
  const dataset = await store({ ...data, vectors: new Float32Array(data.vectors.length).fill(0.5) });
  const split = { kind: 'article', validationShare: 0.2 } as const;
  expect(() => splitDataset(dataset, split, 1)).toThrow('hold only 1 different vectors');
  dataset.close();
});
