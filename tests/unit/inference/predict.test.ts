/** Predictions through the services against PyTorch, neighbours against a plain search, errors. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ORPCError } from '@orpc/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ContextSource, PredictionExportEvent } from '#shared/contract/inference.ts';
import { parseRows } from '#shared/domain/datasets/row-list.ts';
import { parseArticle } from '../../../src/main/cli/commands/predict.ts';
import { openDataset } from '../../../src/main/datasets/dataset.ts';
import { encodeNpy } from '../../../src/main/formats/npy/write.ts';
import { openDataFile } from '../../../src/main/formats/open.ts';
import { readFloats } from '../../../src/main/formats/columns/table.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { readNpz, writeNpz } from '../../support/npz.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const D = 24;
const T = 5;
let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let runId: string;

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  const { client } = nextvec;
  dataset = await importChunks(client, join(home.path, 'walks.npz'), { articles: 12, chunksPerArticle: 10, D });
  ({ runId } = await client.runs.importRun({ path: 'tests/fixtures/pt/amn.pt' }));
});
afterAll(() => home.dispose());

describe('contexts of a file', () => {
  it('reproduce PyTorch, with attention that sums to one', async () => {
    const io = await readNpz('tests/fixtures/pt/io.npz');
    const path = join(home.path, 'context.npy');
    await writeFile(path, encodeNpy({ shape: [2, T, D], data: io.get('amn/context')!.data as Float32Array }));
    const source = { kind: 'file', path, rows: null } as const;
    const { raw, pred, rows, parity } = await nextvec.client.inference.predict({ runId, source });
    const expected = io.get('amn/raw')!.data as Float32Array;
    expect(Math.max(...raw.map((x, i) => Math.abs(x - expected[i])))).toBeLessThan(1e-5);
    expect(Math.hypot(...pred.subarray(D))).toBeCloseTo(1, 5);
    expect(parity.goldenMaxRelative).toBeLessThan(1e-4);
    for (const row of rows) {
      expect(row.attention!.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
      expect(row).toMatchObject({ targetCosine: null, context: null, neighbours: [] });
    }
    // One row of it alone is the same row.
    const second = await nextvec.client.inference.predict({ runId, source: { ...source, rows: [1] } });
    expect(Array.from(second.raw)).toEqual(Array.from(raw.subarray(D)));
  });

  it('are refused for another width or missing rows', async () => {
    const path = join(home.path, 'narrow.npy');
    await writeFile(path, encodeNpy({ shape: [T, 8], data: new Float32Array(T * 8) }));
    const ask = (source: { kind: 'file'; path: string; rows: number[] | null }) =>
      nextvec.client.inference.predict({ runId, source }).then(
        () => null,
        (error: unknown) => (error instanceof ORPCError ? (error.data as { code: string }).code : error),
      );
    expect(await ask({ kind: 'file', path, rows: null })).toBe('WIDTH_MISMATCH');
    expect(await ask({ kind: 'file', path: join(home.path, 'context.npy'), rows: [2] })).toBe('OUT_OF_RANGE');
  });
});

describe('attention', () => {
  const attentionOf = async (file: string, heads: number | null) => {
    const { client } = nextvec;
    const imported = await client.runs.importRun({ path: `tests/fixtures/pt/${file}`, heads });
    const source: ContextSource = { kind: 'dataset', datasetId: dataset, windows: [1, 2] };
    return (await client.inference.predict({ runId: imported.runId, source })).rows.map(({ attention }) => attention);
  };

  it('of a Transformer comes from an engine that keeps it', async () => {
    for (const attention of await attentionOf('transformer-half.pt', 4)) {
      expect(attention).toHaveLength(T);
      expect(attention!.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
  });

  it('is null for models without attention', async () => {
    expect(await attentionOf('gru-bfloat16.pt', null)).toEqual([null, null]);
  });
});

describe('windows of a data set', () => {
  it('find the neighbours of a plain search and mark the window itself', async () => {
    const windows = [3, 40];
    const source = { kind: 'dataset', datasetId: dataset, windows } as const;
    const { pred, rows } = await nextvec.client.inference.predict({ runId, source, neighbours: 12 });
    const stored = openDataset(join(home.path, 'home', 'datasets', dataset));
    const reader = await stored.verified();
    const all = new Float32Array(reader.vectors * D);
    reader.range(0, reader.vectors, all);
    for (const [b, row] of rows.entries()) {
      const cosines = Array.from({ length: reader.vectors }, (_, v) => {
        const vector = all.subarray(v * D, (v + 1) * D);
        return vector.reduce((sum, x, d) => sum + x * pred[b * D + d], 0) / Math.hypot(...vector);
      });
      const ranked = cosines.map((_, v) => v).toSorted((i, j) => cosines[j] - cosines[i]);
      expect(row.neighbours.map(({ vector }) => vector)).toEqual(ranked.slice(0, 12));
      const window = Array.from(stored.index.subarray(windows[b] * (T + 1), (windows[b] + 1) * (T + 1)));
      expect(row.context!.map(({ vector }) => vector)).toEqual(window.slice(0, T));
      expect(row.targetCosine).toBeCloseTo(cosines[window[T]], 5);
      expect(row.contextCosines[0]).toBeCloseTo(cosines[window[0]], 5);
      for (const { vector, role } of row.neighbours) {
        const at = window.indexOf(vector);
        expect(role).toBe(at < 0 ? null : at === T ? 'target' : 'context');
      }
      expect(new Set(row.context!.map(({ article }) => article)).size).toBe(1);
    }
    stored.close();
  });
});

describe('one window of an article', () => {
  const ask = (article: number, index: number) =>
    nextvec.client.inference.predict({ runId, source: { kind: 'article', datasetId: dataset, article, index } });

  it('is found by number, with its place', async () => {
    // 10 chunks an article give 5 windows.
    const { rows } = await ask(3, 2);
    expect(rows[0].place).toEqual({ article: 3, index: 2, of: 5 });
    const { windows } = await nextvec.client.datasets.get({ id: dataset });
    const source: ContextSource = { kind: 'dataset', datasetId: dataset, windows: [rows[0].row] };
    expect(rows[0].row).toBeLessThan(windows);
    expect((await nextvec.client.inference.predict({ runId, source })).rows).toEqual(rows);
    expect(rows[0].context!.every(({ article }) => article === 3)).toBe(true);
  });

  it('is refused with the valid range when missing', async () => {
    await expect(ask(3, 5)).rejects.toThrow('Article 3 of walks has windows 1 to 5; there is no window 6.');
    await expect(ask(77, 0)).rejects.toMatchObject({
      data: { code: 'OUT_OF_RANGE', place: 'walks', remedy: 'Its 12 articles have numbers from 0 to 11.' },
    });
  });
});

it('a file of windows with targets gives the same figures as the data set', async () => {
  const windows = [7, 21, 22];
  const stored = openDataset(join(home.path, 'home', 'datasets', dataset));
  const source = await stored.source();
  const [contexts, targets] = [new Float32Array(windows.length * T * D), new Float32Array(windows.length * D)];
  source.gather(Uint32Array.from(windows), contexts, targets);
  stored.close();
  const path = join(home.path, 'windows.npz');
  await writeNpz(path, {
    contexts: { shape: [3, T, D], data: contexts },
    targets: { shape: [3, D], data: targets },
  });
  const { predict } = nextvec.client.inference;
  const fromSet = await predict({ runId, source: { kind: 'dataset', datasetId: dataset, windows } });
  const fromFile = await predict({ runId, source: { kind: 'file', path, rows: null }, neighboursIn: dataset });
  for (const [b, row] of fromFile.rows.entries()) {
    expect(row.targetCosine).toBeCloseTo(fromSet.rows[b].targetCosine!, 6);
    expect(row.baselines).toEqual(fromSet.rows[b].baselines);
    const mean = Float32Array.from({ length: D }, (_, d) =>
      Array.from({ length: T }, (__, t) => contexts[(b * T + t) * D + d]).reduce((sum, x) => sum + x, 0),
    );
    const target = targets.subarray(b * D, (b + 1) * D);
    const dot = mean.reduce((sum, x, d) => sum + x * target[d], 0);
    expect(row.baselines.contextMean).toBeCloseTo(dot / Math.hypot(...mean) / Math.hypot(...target), 5);
    expect(row.neighbours.map(({ vector }) => vector)).toEqual(fromSet.rows[b].neighbours.map(({ vector }) => vector));
    expect([row.place, row.context, row.target]).toEqual([null, null, null]);
  }
});

it('reads windows of articles', () => {
  expect(parseArticle('12')).toEqual({ article: 12, index: 0 });
  expect(parseArticle(' 12:3 ')).toEqual({ article: 12, index: 2 });
  for (const wrong of ['', 'a', '12:0', '12:', '1.5']) {
    expect(() => parseArticle(wrong)).toThrow(/names no window of an article/);
  }
});

it('reads lists of rows', () => {
  expect(parseRows('0, 5,10-12', 1024)).toEqual([0, 5, 10, 11, 12]);
  for (const wrong of ['', 'a', '5-3', '1-', '0-99999999'])
    expect(() => parseRows(wrong, 1024)).toThrow(/names no rows/);
});

describe('predictions for every window of a set', () => {
  it('are written with their windows, articles and cosines', async () => {
    const { client } = nextvec;
    const events: PredictionExportEvent[] = [];
    for await (const event of await client.inference.export({ runId, datasetId: dataset })) events.push(event);
    const done = events.at(-1);
    if (done?.type !== 'done') throw new Error('nothing was written');
    expect(done).toMatchObject({ fileName: 'run-1-on-walks.parquet', rows: 60 });
    const file = await openDataFile(done.path);
    const { pred, rows } = await client.inference.predict({
      runId,
      source: { kind: 'dataset', datasetId: dataset, windows: Array.from({ length: 60 }, (_, w) => w) },
      neighbours: 0,
    });
    try {
      expect(file.names).toEqual(['window', 'article_indices', 'target_cosine', 'prediction']);
      const written = await readFloats(await file.column('prediction'));
      expect(Math.max(...written.map((x, i) => Math.abs(x - pred[i])))).toBeLessThan(1e-6);
      const articles = await (await file.column('article_indices')).integers();
      expect([...articles]).toEqual(rows.map(({ place }) => place?.article));
    } finally {
      await file.close();
    }
  });

  it('with texts are refused for a set without', async () => {
    const events = await nextvec.client.inference.export({ runId, datasetId: dataset, texts: true });
    await expect(events.next()).rejects.toThrow('walks was imported without texts');
    expect(await readdir(join(home.path, 'home/exports'))).toEqual(['run-1-on-walks.parquet']);
  });
});
