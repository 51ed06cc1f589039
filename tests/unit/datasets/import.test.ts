import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importDataset, sweepUnfinishedImports } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
import { openDataset } from '../../../src/main/datasets/dataset.ts';
import type { ImportStatus } from '../../../src/main/datasets/import/progress.ts';
import { npyBytes, slidingWindows, syntheticChunks, testFolder, writeChunks, writeNpz } from './helpers.ts';

function cosine(a: number[], b: number[]): number {
  return a.reduce((s, x, d) => s + x * b[d], 0) / Math.hypot(...a) / Math.hypot(...b);
}

describe('chunks', () => {
  it('become windows inside articles; every figure matches a plain computation', async () => {
    const folder = testFolder();
    const data = syntheticChunks(9, 12, 1);
    const file = await writeChunks(join(folder, 'chunks.npz'), data);
    const { passport } = await importDataset(file, join(folder, 'set'));
    const { vectors, articles, M, D } = data;
    const row = (i: number): number[] => [...vectors.subarray(i * D, (i + 1) * D)];
    const starts = Array.from({ length: M - 5 }, (_, i) => i).filter((i) => articles[i] === articles[i + 5]);
    expect(passport).toMatchObject({ kind: 'chunks', rows: M, windows: starts.length, T: 5, D, articles: 9 });
    expect(passport).toMatchObject({ articleRange: [1, 9], duplicates: 0, crossings: 0, warnings: [], splits: null });
    const norms = Array.from({ length: M }, (_, i) => Math.hypot(...row(i)));
    expect(passport.norm.mean).toBeCloseTo(norms.reduce((a, b) => a + b) / M, 12);
    expect([passport.norm.min, passport.norm.max]).toEqual(
      [Math.min(...norms), Math.max(...norms)].map((n) => expect.closeTo(n, 12)),
    );
    const mean = vectors.reduce((a, b) => a + b, 0) / vectors.length;
    expect(passport.value.mean).toBeCloseTo(mean, 10);
    expect(passport.value.std).toBeCloseTo(
      Math.sqrt(vectors.reduce((s, x) => s + (x - mean) ** 2, 0) / vectors.length),
      9,
    );
    const pairs = Array.from({ length: M - 1 }, (_, i) => i).filter((i) => articles[i] === articles[i + 1]);
    const cosines = pairs.map((i) => cosine(row(i), row(i + 1))).toSorted((a, b) => a - b);
    expect(passport.coherence.mean).toBeCloseTo(cosines.reduce((a, b) => a + b) / cosines.length, 6);
    expect(passport.coherence.shareBelow030).toBe(cosines.filter((c) => c < 0.3).length / cosines.length);
    const middle = (cosines.length - 1) / 2;
    expect(passport.coherence.p50).toBeCloseTo((cosines[Math.floor(middle)] + cosines[Math.ceil(middle)]) / 2, 6);
    for (let t = 0; t < 5; t++) {
      const expected = starts.map((s) => cosine(row(s + t), row(s + 5))).reduce((a, b) => a + b) / starts.length;
      expect(passport.positionToTarget[t]).toBeCloseTo(expected, 9);
    }
    const targets = starts.reduce((sum, s) => sum + row(s + 5).reduce((a, b) => a + b), 0);
    expect(passport.checksum?.[1]).toBeCloseTo(targets, 9);
    expect(passport.sha256).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'));
  });

  it('cross articles when requested; counted and reported', async () => {
    const folder = testFolder();
    const data = syntheticChunks(6, 8, 2);
    const file = await writeChunks(join(folder, 'c.npz'), data);
    const inside = await inspectFile(file);
    const across = await inspectFile(file, { crossArticles: true, T: 4 });
    expect(across.windows).toBe(data.M - 4);
    expect(across.T).toBe(4);
    expect(across.crossings).toBe(5 * 4);
    expect(across.warnings).toMatchObject([{ code: 'CROSSINGS', count: 20 }]);
    expect(inside.windows).toBe(data.M - 6 * 5);
  });

  it('in any order give the same windows', async () => {
    const folder = testFolder();
    const data = syntheticChunks(5, 6, 3);
    const order = Array.from({ length: data.M }, (_, i) => (i * 7 + 3) % data.M).filter(
      (v, i, all) => all.indexOf(v) === i,
    );
    expect(order).toHaveLength(data.M);
    const shuffled = {
      ...data,
      vectors: Float32Array.from(order.flatMap((r) => [...data.vectors.subarray(r * 6, (r + 1) * 6)])),
      articles: order.map((r) => data.articles[r]),
      chunks: order.map((r) => data.chunks[r]),
    };
    const a = await inspectFile(await writeChunks(join(folder, 'a.npz'), data));
    const b = await inspectFile(await writeChunks(join(folder, 'b.npz'), shuffled));
    expect(b.warnings).toMatchObject([{ code: 'CHUNKS_REORDERED' }]);
    expect(b.windows).toBe(a.windows);
    expect(b.checksum?.[0]).toBeCloseTo(a.checksum?.[0] ?? NaN, 9);
    expect(b.positionToTarget.map((x) => x?.toFixed(9))).toEqual(a.positionToTarget.map((x) => x?.toFixed(9)));
  });

  it('warns of missing articles, gaps in numbers and short articles', async () => {
    const folder = testFolder();
    const values = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.7));
    writeFileSync(join(folder, 'v.npy'), npyBytes({ name: 'v', shape: [10, 4], values }));
    const bare = await inspectFile(join(folder, 'v.npy'));
    expect(bare).toMatchObject({ windows: 5, articles: 1 });
    expect(bare.warnings.map((w) => w.code)).toEqual(['NO_ARTICLES', 'NOT_UNIT']);
    const gaps = await writeNpz(join(folder, 'g.npz'), [
      { name: 'vectors', shape: [10, 4], values },
      { name: 'article_indices', shape: [10], values: [1, 1, 1, 1, 1, 1, 1, 2, 2, 2], dtype: 'i4' },
      { name: 'chunk_indices', shape: [10], values: [0, 1, 2, 5, 6, 7, 8, 0, 1, 2], dtype: 'i4' },
    ]);
    const passport = await inspectFile(gaps);
    expect(passport.windows).toBe(2);
    expect(passport.warnings).toMatchObject([
      { code: 'CHUNK_GAPS', count: 1 },
      { code: 'SHORT_ARTICLES', count: 1 },
      { code: 'NOT_UNIT', count: 10 },
    ]);
    await expect(inspectFile(gaps, { T: 9 })).rejects.toMatchObject({ code: 'EMPTY' });
  });

  it('warns of joined files that number their articles alike', async () => {
    const shard = syntheticChunks(4, 10, 1);
    const joined = {
      ...shard,
      M: 2 * shard.M,
      vectors: Float32Array.from([...shard.vectors, ...shard.vectors.map((x) => -x)]),
      articles: [...shard.articles, ...shard.articles],
      chunks: [...shard.chunks, ...shard.chunks],
    };
    const { warnings } = await inspectFile(await writeChunks(join(testFolder(), 'joined.npz'), joined));
    expect(warnings).toMatchObject([{ code: 'CHUNKS_REORDERED' }, { code: 'CHUNKS_REPEATED', count: shard.M }]);
  });
});

describe('distinct vectors', () => {
  it('are stored once; every window reads back bit for bit', async () => {
    const folder = testFolder();
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          N: fc.integer({ min: 1, max: 60 }),
          T: fc.integer({ min: 1, max: 4 }),
          D: fc.integer({ min: 1, max: 7 }),
          kinds: fc.integer({ min: 1, max: 30 }),
          seed: fc.nat(1000),
        }),
        async ({ N, T, D, kinds, seed }) => {
          const vector = (k: number): number[] =>
            Array.from({ length: D }, (_, d) => Math.fround(Math.sin(k * 131 + d * 17 + seed)));
          const ids = Array.from({ length: N * (T + 1) }, (_, i) => (i * 7919 + seed * 31 + (i % 13) * i) % kinds);
          const rows = (keep: (i: number) => boolean): number[] =>
            ids.filter((_, i) => keep(i % (T + 1))).flatMap(vector);
          const file = await writeNpz(join(folder, 'w.npz'), [
            { name: 'contexts', shape: [N, T, D], values: rows((p) => p < T) },
            { name: 'targets', shape: [N, D], values: rows((p) => p === T) },
          ]);
          const target = join(folder, `set-${Math.random()}`);
          const { meta } = await importDataset(file, target);
          expect(meta.vectors).toBe(new Set(ids.map((id) => vector(id).join())).size);
          const dataset = openDataset(target);
          for (const memoryBytes of [0, 1e9]) {
            const source = await dataset.source(undefined, { memoryBytes, segmentBytes: 64 });
            expect(source.shared === undefined).toBe(memoryBytes === 0);
            const contexts = new Float32Array(N * T * D);
            const targets = new Float32Array(N * D);
            source.gather(
              Uint32Array.from({ length: N }, (_, w) => w),
              contexts,
              targets,
            );
            expect([...contexts]).toEqual(rows((p) => p < T));
            expect([...targets]).toEqual(rows((p) => p === T));
          }
          dataset.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are found again after leaving the ring of recent rows', async () => {
    const folder = testFolder();
    const D = 16_384;
    const kinds = 500;
    const values = new Float32Array(2 * kinds * D);
    for (let i = 0; i < 2 * kinds; i++)
      for (let d = 0; d < D; d++) values[i * D + d] = ((i % kinds) + 1) * ((d % 7) - 3);
    writeFileSync(join(folder, 'v.npy'), npyBytes({ name: 'v', shape: [2 * kinds, D], values }));
    const { meta, passport } = await importDataset(join(folder, 'v.npy'), join(folder, 'set'));
    expect(meta.vectors).toBe(kinds);
    expect(passport.duplicates).toBe(kinds);
  });

  it('as float16 take half the space and read back rounded; out-of-range values are refused', async () => {
    const folder = testFolder();
    const data = syntheticChunks(4, 10, 5);
    const file = await writeChunks(join(folder, 'c.npz'), data);
    const half = await importDataset(file, join(folder, 'half'), { dtype: 'float16' });
    const full = await importDataset(file, join(folder, 'full'));
    expect(half.meta.dtype).toBe('float16');
    expect(full.storedBytes - half.storedBytes).toBe(data.M * 10 * 2);
    expect(half.passport.checksum).toEqual(full.passport.checksum);
    const dataset = openDataset(join(folder, 'half'));
    const row = new Float32Array(10);
    (await dataset.verified()).range(3, 1, row);
    expect(row).toEqual(new Float32Array(Float16Array.from(data.vectors.subarray(30, 40))));
    const source = await dataset.source(Uint32Array.of(2, 0));
    expect(source.windows).toBe(2);
    const contexts = new Float32Array(5 * 10);
    source.gather(Uint32Array.of(1), contexts, new Float32Array(10));
    expect(contexts).toEqual(new Float32Array(Float16Array.from(data.vectors.subarray(0, 50))));
    dataset.close();
    const large = Float32Array.from({ length: 40 }, (_, i) => (i === 13 ? 1e5 : i));
    writeFileSync(join(folder, 'v.npy'), npyBytes({ name: 'v', shape: [10, 4], values: large }));
    await expect(inspectFile(join(folder, 'v.npy'), { dtype: 'float16' })).rejects.toThrow(
      'element [3, 1] is 100000, too large',
    );
    await expect(inspectFile(join(folder, 'v.npy'))).resolves.toMatchObject({ rows: 10 });
  });

  it('as float16 count values that become 0; a vector of nothing else is refused', async () => {
    const folder = testFolder();
    const values = Float32Array.from({ length: 40 }, (_, i) => (i % 4 === 1 ? 1e-9 : i + 1));
    writeFileSync(join(folder, 'some.npy'), npyBytes({ name: 'v', shape: [10, 4], values }));
    const { warnings } = await inspectFile(join(folder, 'some.npy'), { dtype: 'float16' });
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'VALUES_LOST', count: 10 }));
    writeFileSync(join(folder, 'all.npy'), npyBytes({ name: 'v', shape: [10, 4], values: values.fill(1e-9, 20, 24) }));
    await expect(inspectFile(join(folder, 'all.npy'), { dtype: 'float16' })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      message: expect.stringMatching(/element \[5, 0\] is 9\.99\S*e-10, too small/),
    });
  });

  it('float16 files are stored as float16 by default', async () => {
    const folder = testFolder();
    const file = await writeChunks(join(folder, 'c.npz'), syntheticChunks(4, 10, 5), 'f2');
    expect((await importDataset(file, join(folder, 'set'))).meta.dtype).toBe('float16');
  });
});

describe('a failed import leaves no files', () => {
  it('when cancelled at any moment', async () => {
    const folder = testFolder();
    const data = syntheticChunks(12, 64, 6);
    const { contexts, targets, N } = slidingWindows(data, 5);
    const file = await writeNpz(join(folder, 'w.npz'), [
      { name: 'contexts', shape: [N, 5, 64], values: contexts },
      { name: 'targets', shape: [N, 64], values: targets },
    ]);
    mkdirSync(join(folder, 'store'));
    const outcomes: unknown[] = [];
    for (const turns of [0, 1, 3, 6, 10]) {
      const abort = new AbortController();
      const running = importDataset(file, join(folder, 'store/set'), { signal: abort.signal });
      const settled = running.then(
        () => 'done',
        (error: { code: string }) => error.code,
      );
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      const outcome = await settled;
      outcomes.push(outcome);
      expect(readdirSync(join(folder, 'store'))).toEqual(outcome === 'done' ? ['set'] : []);
      rmSync(join(folder, 'store/set'), { recursive: true, force: true });
    }
    expect(outcomes[0]).toBe('CANCELLED');
    for (const outcome of outcomes) expect(outcome).toMatch(/^(done|CANCELLED)$/);
  });

  it('when the destination exists, which stays unchanged', async () => {
    const folder = testFolder();
    const file = await writeChunks(join(folder, 'c.npz'), syntheticChunks(3, 4, 7));
    await importDataset(file, join(folder, 'store/set'));
    const before = readFileSync(join(folder, 'store/set/meta.json'), 'utf8');
    await expect(importDataset(file, join(folder, 'store/set'))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readdirSync(join(folder, 'store'))).toEqual(['set']);
    expect(readFileSync(join(folder, 'store/set/meta.json'), 'utf8')).toBe(before);
  });

  it('removes files of a killed import', async () => {
    const folder = testFolder();
    mkdirSync(join(folder, 'set.importing-12345678'));
    mkdirSync(join(folder, 'other'));
    expect(await sweepUnfinishedImports(folder)).toBe(1);
    expect(readdirSync(folder)).toEqual(['other']);
    expect(await sweepUnfinishedImports(join(folder, 'missing'))).toBe(0);
  });

  it('reports a missing file', async () => {
    await expect(inspectFile('/nowhere/x.npz')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(inspectFile(testFolder())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('a stored data set', () => {
  it('is refused when damaged, with a remedy', async () => {
    const folder = testFolder();
    const file = await writeChunks(join(folder, 'c.npz'), syntheticChunks(3, 4, 8));
    for (const name of ['meta.json', 'windows.bin', 'vector-articles.bin', 'chunks.bin']) {
      const set = join(folder, `set-${name}`);
      await importDataset(file, set);
      writeFileSync(join(set, name), 'x');
      expect(() => openDataset(set)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
    }
    expect(existsSync(join(folder, 'set-meta.json'))).toBe(true);
  });

  it('reports increasing progress that ends near 1', async () => {
    const folder = testFolder();
    const D = 4096;
    const values = new Float32Array(3000 * D);
    for (let i = 0; i < values.length; i++) values[i] = ((i * 0.618_033_988_75) % 1) - 0.5;
    writeFileSync(join(folder, 'v.npy'), npyBytes({ name: 'v', shape: [3000, D], values }));
    const seen: ImportStatus[] = [];
    await inspectFile(join(folder, 'v.npy'), { onProgress: (status) => seen.push(status) });
    expect(seen.length).toBeGreaterThan(3);
    for (let i = 1; i < seen.length; i++) expect(seen[i].fraction).toBeGreaterThanOrEqual(seen[i - 1].fraction);
    expect(seen.at(-1)?.phase).toBe('measuring');
  });
});
