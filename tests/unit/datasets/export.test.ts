/** Data sets written out: an export is imported to the content hash of its set, whatever the format. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NextvecClient } from '#shared/contract/index.ts';
import { DATA_EXPORT_FORMATS, type DataExportFormat } from '#shared/domain/datasets/export.ts';
import { exportDataset } from '../../../src/main/datasets/export/export.ts';
import { exportOrder } from '../../../src/main/datasets/export/row-order.ts';
import { importDataset, type ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
import { orderChunks } from '../../../src/main/datasets/import/windows.ts';
import type { ExportDataJob } from '../../../src/main/processes/jobs/export-data.ts';
import { importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { testFolder, writeNpz, type TestArray } from './helpers.ts';

type Change = Partial<Pick<ExportDataJob, 'texts' | 'windows' | 'split'>>;

async function exported(set: string, format: DataExportFormat, change: Change = {}): Promise<string> {
  const target = join(testFolder(), `out.${format}`);
  const job = {
    folder: set,
    format,
    texts: false,
    windows: false,
    split: null,
    temporary: target,
    target,
    version: '1',
  };
  await exportDataset({ ...job, ...change }, { onProgress: () => undefined });
  return target;
}

async function stored(arrays: readonly TestArray[], options: ImportOptions = {}) {
  const folder = testFolder();
  const file = await writeNpz(join(folder, 'x.npz'), arrays);
  return importDataset(file, join(folder, 'set'), options);
}

const D = 3;
/** Chunks that repeat vectors, with articles whose rows are mixed and not in their order. */
function mixedChunks(dtype: 'f4' | 'f2'): TestArray[] {
  const articles = [7, 7, 3, 7, 3, 3, 9, 7, 3, 7, 9, 9, 7, 3, 9, 9];
  const order = [0, 1, 5, 2, 0, 2, 3, 3, 1, 4, 2, 1, 5, 4, 0, 4];
  const ids = [0, 1, 2, 0, 3, 4, 1, 5, 6, 7, 8, 2, 9, 10, 11, 12];
  const values = ids.flatMap((id) => [Math.sin(id + 1), Math.fround(0.1 * id), id === 4 ? -0 : 1 / (id + 1)]);
  return [
    { name: 'vectors', shape: [ids.length, D], values, dtype },
    { name: 'article_indices', shape: [ids.length], values: articles, dtype: 'i8' },
    { name: 'chunk_indices', shape: [ids.length], values: order, dtype: 'i4' },
  ];
}

describe.each(DATA_EXPORT_FORMATS)('%s', (format) => {
  it('chunks in mixed order', async () => {
    const options = { T: 2 };
    const { folder, passport } = await stored(mixedChunks('f4'), options);
    const again = await inspectFile(await exported(folder, format), options);
    expect(again.contentSha256).toBe(passport.contentSha256);
    expect(again).toMatchObject({ windows: passport.windows, articleRange: [3, 9] });
  });

  it('float16, windows with history, a stride', async () => {
    const options = { T: 2, stride: 2, history: 3 };
    const { folder, passport } = await stored(mixedChunks('f2'), options);
    const file = await exported(folder, format);
    // JSON knows no float16.
    const again = await inspectFile(file, format === 'jsonl' ? { ...options, dtype: 'float16' } : options);
    expect(again.contentSha256).toBe(passport.contentSha256);
  });

  it('windows with their articles and the split of the file', async () => {
    const windows = (prefix: string, N: number, seed: number): TestArray[] => {
      const values = (n: number, first: number): number[] =>
        Array.from({ length: n }, (_, i) => Math.fround(Math.sin(first + (i % 29))));
      return [
        { name: `${prefix}context_sequences`, shape: [N, 2, D], values: values(N * 2 * D, seed) },
        { name: `${prefix}target_vectors`, shape: [N, D], values: values(N * D, seed + 3) },
        {
          name: `${prefix}article_indices`,
          shape: [N],
          values: Array.from({ length: N }, (_, i) => 5 + (i >> 2)),
          dtype: 'i8',
        },
      ];
    };
    for (const arrays of [windows('', 9, 0), [...windows('train_', 9, 0), ...windows('val_', 6, 1)]]) {
      const { folder, passport } = await stored(arrays);
      expect(passport.articles).toBe(3);
      const again = await inspectFile(await exported(folder, format));
      expect(again.contentSha256).toBe(passport.contentSha256);
      expect(again.splits).toEqual(passport.splits);
    }
  });
});

it('rows are ordered so that an import numbers vectors and articles as before', () => {
  const row = fc.record({ vector: fc.nat(12), article: fc.nat(4), chunk: fc.nat(6) });
  const numbered = (labels: number[]): number[] => {
    const known = [...new Set(labels)];
    return labels.map((label) => known.indexOf(label));
  };
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 24 }), (rows) => {
      const read = (vectors: number[], articles: number[], chunks: number[]) => {
        const ordered = orderChunks(vectors.length, Float64Array.from(articles), Float64Array.from(chunks));
        const ids = numbered(vectors);
        const order = ordered.order ?? Uint32Array.from(ids, (_, i) => i);
        return { ids: Uint32Array.from(order, (r) => ids[r]), articles: ordered.articles, labels: [...ordered.labels] };
      };
      const first = read(
        rows.map(({ vector }) => vector),
        rows.map(({ article }) => article),
        rows.map(({ chunk }) => chunk),
      );
      const order = [...(exportOrder(first.ids, first.articles) ?? first.ids.keys())];
      const again = read(
        order.map((i) => first.ids[i]),
        order.map((i) => first.labels[first.articles[i]]),
        order,
      );
      expect(again).toEqual(first);
    }),
    { numRuns: 500 },
  );
});

describe('through the services', () => {
  async function eventsOf<E>(stream: Promise<AsyncIterable<E>>): Promise<E[]> {
    const events: E[] = [];
    for await (const event of await stream) events.push(event);
    return events;
  }

  const CHUNKS = { articles: 12, chunksPerArticle: 9, D: 4 };
  const textOf = (article: number, chunk: number): string => `Chunk ${chunk} of “${article}” 🙂`;

  let home: TestHome;
  let client: NextvecClient;
  let id: string;
  let exports: string;
  beforeAll(async () => {
    home = await testHome();
    ({ client } = await home.open());
    id = await importChunks(client, join(home.path, 'c.npz'), { ...CHUNKS, textOf });
    exports = join(home.path, 'home/exports');
  });
  afterAll(() => home.dispose());

  it('nothing stays when the reader leaves', async () => {
    for await (const event of await client.datasets.export({ id, format: 'npz' })) {
      expect(event.type).toBe('progress');
      break;
    }
    expect(readdirSync(exports)).toEqual([]);
  });

  it('texts and the sides of a split are exported where they are asked for', async () => {
    const input = { id, format: 'jsonl', texts: true, split: 'default' } as const;
    const events = await eventsOf(client.datasets.export(input));
    const path = join(exports, 'c.jsonl');
    expect(events.at(-1)).toMatchObject({ type: 'done', path, rows: 108, importFlags: '' });
    const rows = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows[10]).toMatchObject({ article_indices: 1, chunk_indices: 1, concept_texts: textOf(1, 1) });
    const sideOf = new Map(rows.map((row) => [row.article_indices, row.split]));
    expect([...sideOf.values()].toSorted()).toEqual(
      ['train', 'validation'].flatMap((side) => Array.from({ length: side === 'train' ? 11 : 1 }, () => side)),
    );
    for (const format of DATA_EXPORT_FORMATS) {
      const set = join(home.path, 'home/datasets', id);
      const { texts } = await inspectFile(await exported(set, format, { texts: true }));
      expect(texts).toMatchObject({ texts: 108, from: ['concept_texts'] });
    }
  });

  it('windows of a set of chunks are exported where they are asked for', async () => {
    await eventsOf(client.datasets.export({ id, format: 'parquet', windows: true, texts: true }));
    const again = await inspectFile(join(exports, 'c.parquet'));
    expect(again).toMatchObject({ kind: 'windows', windows: 12 * 4, T: 5, articles: 12 });
    expect(again.texts).toMatchObject({ texts: 12 * 4, from: ['target_texts'] });
  });
});

const python = process.env.NEXTVEC_TEST_PYTHON;

it.skipIf(!python)('pyarrow, pandas and numpy read what was written', { timeout: 60_000 }, async () => {
  const { folder } = await stored(mixedChunks('f4'), { T: 2 });
  const files = await Promise.all(DATA_EXPORT_FORMATS.map((format) => exported(folder, format)));
  const { stdout } = await promisify(execFile)(python ?? '', ['tests/support/read_exports.py', ...files]);
  const [first, ...others] = JSON.parse(stdout) as { rows: number; sha256: string }[];
  expect(first).toMatchObject({ rows: 16, dtype: 'float32' });
  for (const other of others) expect(other).toEqual(first);
  const half = (await stored(mixedChunks('f2'), { T: 2 })).folder;
  const halves = await Promise.all((['parquet', 'arrow', 'npz'] as const).map((format) => exported(half, format)));
  const read = JSON.parse(
    (await promisify(execFile)(python ?? '', ['tests/support/read_exports.py', ...halves])).stdout,
  ) as unknown[];
  expect(read[0]).toMatchObject({ dtype: 'float16' });
  for (const other of read) expect(other).toEqual(read[0]);
});
