/** Tables as other programs write them: the same chunks give the same data set. Files of tests/fixtures/make_tables.py. */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { mutate } from '../../../bench/support/mutate.ts';
import { NO_MAPPING, parseArticleRule, type Mapping } from '#shared/domain/datasets/mapping.ts';
import { describeFile } from '../../../src/main/datasets/import/describe.ts';
import { readHybrid } from '../../../src/main/formats/parquet/levels.ts';
import { previewArticles } from '../../../src/main/datasets/import/article-preview.ts';
import { importDataset, type ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { inspectFile, withImported } from '../../support/inspect.ts';
import { npyBytes, testFolder } from './helpers.ts';

const TABLES = join(import.meta.dirname, '../../fixtures/tables');
const table = (name: string): string => join(TABLES, name);

async function contentOf(path: string, options: ImportOptions = {}): Promise<string | undefined> {
  return (await inspectFile(path, options)).contentSha256;
}

let npz: string | undefined;
beforeAll(async () => {
  npz = await contentOf(table('chunks.npz'));
});

describe('the same content as the .npz', () => {
  it.each(['pandas.jsonl.gz', 'pandas.jsonl.zst', 'base64.jsonl.gz', 'wide.csv.gz', 'json.tsv.gz'])(
    '%s',
    async (name) => {
      const { contentSha256, texts } = await inspectFile(table(name));
      expect(contentSha256).toBe(npz);
      expect(texts).toMatchObject({ texts: 999, from: ['text'] });
    },
  );

  it('chunks.safetensors, as the safetensors package writes it', async () => {
    expect(await contentOf(table('chunks.safetensors'))).toBe(npz);
  });

  it('whatever the order of the rows', async () => {
    const path = join(testFolder(), 'x.jsonl');
    const [first, ...rest] = records();
    // Articles are numbered in the order of their first row, and of two equal vectors the first has the text.
    writeFileSync(path, [first, ...rest.toReversed()].map((row) => JSON.stringify(row)).join('\n'));
    const { articles, windows, coherence } = await inspectFile(path);
    const expected = await inspectFile(table('chunks.npz'));
    expect({ articles, windows }).toEqual({ articles: expected.articles, windows: expected.windows });
    expect(coherence.mean).toBeCloseTo(expected.coherence.mean ?? 0, 9);
  });

  it('float16 is stored as float16', async () => {
    expect(await contentOf(table('half-gzip.parquet'))).toBe(
      await contentOf(table('chunks.npz'), { dtype: 'float16' }),
    );
    expect(await contentOf(table('half-gzip.parquet'), { dtype: 'float32' })).toBe(npz);
  });

  it.each(['names.jsonl.gz', 'names.parquet'])(
    '%s: names of articles are numbered in order of appearance',
    async (name) => {
      const { articleRange, articles, windows } = await inspectFile(table(name));
      expect({ articleRange, articles, windows }).toEqual({ articleRange: [0, 49], articles: 50, windows: 750 });
    },
  );
});

interface TestRecord {
  [name: string]: unknown;
  doc_id: unknown;
  emb: unknown[];
  pos?: unknown;
}

function records(): TestRecord[] {
  const lines = gunzipSync(readFileSync(table('pandas.jsonl.gz')))
    .toString()
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as TestRecord);
}

function writeRecords(rows: readonly unknown[]): string {
  const path = join(testFolder(), 'x.jsonl');
  writeFileSync(path, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  return path;
}

describe('columns', () => {
  it('are described with a guess which is what', async () => {
    const { format, kind, columns, guess } = await describeFile(table('wide.csv.gz'));
    expect({ format, kind }).toEqual({ format: 'csv', kind: 'chunks' });
    expect(guess).toEqual({ ...NO_MAPPING, vector: 'e*', article: 'doc_id', order: 'pos', text: 'text' });
    expect(columns.map(({ name, rows, rowShape }) => [name, rows, rowShape])).toContainEqual(['e*', null, [6]]);
    const texts = columns.find(({ name }) => name === 'text');
    expect(texts?.first[0]).toBe('chunk 0 of article 1, harbour and harbour');
    const array = await describeFile(table('chunks.npz'));
    expect(array.guess).toMatchObject({ vector: 'vectors', article: 'article_indices', order: 'chunk_indices' });
    expect((await describeFile(table('windows.npz'))).kind).toBe('windows');
  });

  const renamed = (): TestRecord[] =>
    records().map(({ doc_id: doc, pos, text, emb }) => ({
      doc_id: 0,
      x: emb,
      y: emb,
      a: doc,
      b: pos,
      c: text,
      emb: [],
    }));
  const named: Mapping = { ...NO_MAPPING, vector: 'y', article: 'a', order: 'b' };

  it('of any name are taken as the user says', async () => {
    const path = writeRecords(renamed());
    await expect(inspectFile(path)).rejects.toThrow('several columns could be the vectors: "x", "y"');
    expect(await contentOf(path, { mapping: named, textColumn: 'c' })).toBe(npz);
    const missing = { mapping: { ...named, order: 'z' } };
    await expect(inspectFile(path, missing)).rejects.toThrow('has no column "z"');
  });

  it('the order of the file holds where none is wanted', async () => {
    const rows = records().map((row) => ({ ...row, pos: 19 - Number(row.pos) }));
    const path = writeRecords(rows);
    expect(await contentOf(path)).not.toBe(npz);
    expect(await contentOf(path, { mapping: { ...NO_MAPPING, order: false } })).toBe(npz);
    const npy = { ...NO_MAPPING, order: false } as const;
    expect((await inspectFile(table('chunks.npz'), { mapping: npy })).columns?.order).toBe(null);
  });

  it('apply to arrays, too', async () => {
    const swapped: Mapping = { ...NO_MAPPING, vector: 'vectors', article: 'chunk_indices', order: 'article_indices' };
    const { articles } = await inspectFile(table('chunks.npz'), { mapping: swapped });
    expect(articles).toBe(20);
  });
});

describe('articles', () => {
  const rule = (word: string): Pick<ImportOptions, 'mapping'> => ({
    mapping: { ...NO_MAPPING, articles: parseArticleRule(word) },
  });
  const without = (): string => writeRecords(records().map(({ emb, text }) => ({ emb, text })));

  it('a table that does not say them is refused with the remedy', async () => {
    await expect(inspectFile(without())).rejects.toMatchObject({
      code: 'NO_KNOWN_ARRAYS',
      remedy: expect.stringContaining('--articles') as string,
    });
  });

  it('by the file, by the beginning of texts, by the cosine of neighbours', async () => {
    const path = without();
    const whole = await inspectFile(path, rule('by-file'));
    expect(whole).toMatchObject({ articles: 1, warnings: [{ code: 'NO_ARTICLES' }, { code: 'DUPLICATES' }] });
    const prefix = await withImported(path, rule('prefix:chunk 0 of'), ({ passport, folder }) => ({
      passport,
      preview: previewArticles(folder),
    }));
    expect(prefix.passport).toMatchObject({ articles: 50, windows: 750, warnings: [{ code: 'DUPLICATES' }] });
    expect(prefix.preview).toMatchObject({ shortest: 20, median: 20, longest: 20 });
    expect(prefix.preview?.first.map(({ text }) => text?.slice(0, 20))).toEqual(
      [1, 2, 3, 4, 5].map((article) => `chunk 0 of article ${article}`),
    );
    await expect(inspectFile(path, rule('prefix:Chapter'))).rejects.toThrow('no text begins with "Chapter"');
    // Two orthogonal topics of ten vectors each.
    const topics = Array.from({ length: 20 }, (_, i) => ({ v: i < 10 ? [1, i / 100] : [i / -1000, 1] }));
    const split = await inspectFile(writeRecords(topics), rule('split:0.5'));
    expect(split).toMatchObject({ articles: 2, windows: 10 });
  });

  it('rules are read as they are written', () => {
    expect(parseArticleRule('prefix:a:b')).toEqual({ by: 'prefix', prefix: 'a:b' });
    for (const word of ['', 'split', 'split:', 'split:2', 'split:x', 'prefix:', 'file']) {
      expect(() => parseArticleRule(word)).toThrow('is no rule for articles');
    }
  });
});

it('windows start every stride chunks of an article; vectors are scaled to length 1', async () => {
  const { windows } = await inspectFile(table('chunks.npz'), { stride: 4 });
  // An article of 20 chunks has windows from chunks 0 to 14.
  expect(windows).toBe(50 * 4);
  const scaled = writeRecords(records().map((row) => ({ ...row, emb: row.emb.map((x) => 3 * Number(x)) })));
  const { norm } = await inspectFile(scaled, { normalise: true });
  expect([norm.min, norm.max].map((n) => n?.toFixed(6))).toEqual(['1.000000', '1.000000']);
});

describe('damaged rows are refused with file, line and column', () => {
  const withRow = (row: number, change: object): string =>
    writeRecords(records().map((record, i) => (i === row ? { ...record, ...change } : record)));
  it.each([
    [
      'a vector of another length',
      { emb: [1, 2] },
      'x.jsonl: line 501: emb has 2 elements, in the first row there are 6',
    ],
    ['a vector that is missing', { emb: null }, 'line 501: emb is missing, not a list of numbers'],
    ['a value that is missing', { emb: [1, 2, null, 4, 5, 6] }, 'line 501: emb is no vector: its element 2 is missing'],
    ['a value beyond float32', { emb: [1, 2, 1e39, 4, 5, 6] }, 'its element 2 is 1e+39, too large for float32'],
    ['an order that is no integer', { pos: 0.5 }, 'line 501: pos is 0.5, not an integer'],
    ['an article that is missing', { doc_id: null }, 'x.jsonl: doc_id: row 500 has no article'],
  ])('%s', async (_, change, message) => {
    await expect(inspectFile(withRow(500, change))).rejects.toThrow(message);
  });

  const broken: [string, string, string, string][] = [
    ['x.jsonl', '{"a": 1}\n{"a": NaN}\n', 'ARCHIVE_DAMAGED', 'line 2 is no JSON (NaN and Infinity are not)'],
    ['x.jsonl', '{"a": 1}\n[1]\n', 'ARCHIVE_DAMAGED', 'line 2 is no JSON object'],
    ['x.jsonl', '{"a": 1}\n{"a": [1,', 'ARCHIVE_TRUNCATED', 'the last line (2) is no JSON, so the file was cut off'],
    ['x.jsonl', '{"a": 1}\n{"a": "\xff"}\n', 'ARCHIVE_DAMAGED', 'line 2 is not UTF-8'],
    ['x.csv', 'a,b\n1,2\n1,2,3\n', 'ARCHIVE_DAMAGED', 'x.csv: line 3 has not as many fields as the first'],
    ['x.csv', 'a,b\n1,"2\n1,2\n', 'ARCHIVE_TRUNCATED', 'opens a quote that is not closed'],
    ['x.csv', '0.5,0.25\n0.5,0.25\n', 'HEADER_MISMATCH', 'begins with numbers'],
    ['x.csv', 'a,b,a\n1,2,3\n', 'HEADER_MISMATCH', 'names the column "a" twice'],
    ['x.csv', 'a,b\n', 'EMPTY', 'has no rows'],
  ];
  it.each(broken)('%s %j', async (name, content, code, message) => {
    const path = join(testFolder(), name);
    writeFileSync(path, Buffer.from(content, 'latin1'));
    await expect(inspectFile(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['gzip', 'x.jsonl.gz', gzipSync],
    ['zstd', 'x.jsonl.zst', zstdCompressSync],
  ] as const)('%s data that ends too early, and a bomb', async (_, name, compress) => {
    const path = join(testFolder(), name);
    const whole = readFileSync(writeRecords(records()));
    writeFileSync(path, compress(whole).subarray(0, -200));
    await expect(inspectFile(path)).rejects.toMatchObject({ code: 'ARCHIVE_TRUNCATED' });
    const padding = JSON.stringify({ ...records()[0], padding: 'x'.repeat(1 << 20) });
    writeFileSync(path, compress(Buffer.concat([whole, Buffer.from(`${padding}\n`.repeat(80))])));
    await expect(inspectFile(path)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' });
  });

  it('names of JavaScript are names of columns', async () => {
    const rows = records().map(
      ({ doc_id: doc, emb }) => `{"__proto__": ${JSON.stringify(emb)}, "constructor": ${String(doc)}}`,
    );
    const path = join(testFolder(), 'x.jsonl');
    writeFileSync(path, rows.join('\n'));
    const mapping = { ...NO_MAPPING, vector: '__proto__', article: 'constructor' };
    expect(await contentOf(path, { mapping })).toBe(npz);
    expect(Object.hasOwn(Object.prototype, '0')).toBe(false);
  });

  it('lists of different lengths are named with column, lines and remedy', async () => {
    const rows = records().slice(0, 40);
    rows[7] = { ...rows[7], emb: [1, 2] };
    await expect(inspectFile(writeRecords(rows))).rejects.toMatchObject({
      message:
        'x.jsonl: no column holds vectors; it holds "doc_id" (number), "pos" (number), "text" (text), "emb" (lists of different lengths: 6 elements in line 1, 2 in line 8).',
      remedy: expect.stringContaining('--vector-column') as string,
    });
  });

  it('nothing stays after a refusal', async () => {
    const folder = testFolder();
    await expect(importDataset(withRow(999, { emb: null }), join(folder, 'set'))).rejects.toThrow('line 1000');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('nothing stays after a cancel while rows are converted', async () => {
    const folder = testFolder();
    const stop = new AbortController();
    const phases: string[] = [];
    const onProgress = ({ phase }: { phase: string }): void => {
      phases.push(phase);
      stop.abort();
    };
    const path = writeRecords(Array.from({ length: 30 }, () => records()).flat());
    const running = importDataset(path, join(folder, 'set'), { onProgress, signal: stop.signal });
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(phases).toEqual(['converting']);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('damaged Parquet files are refused with file, column and place', () => {
  it.each([
    ['small-ragged.parquet', 'WIDTH_MISMATCH', 'small-ragged.parquet: emb: the list of row 30 has not 6 elements'],
    ['small-null.parquet', 'HEADER_MISMATCH', 'emb: row 30 has no value'],
    ['small-no-article.parquet', 'HEADER_MISMATCH', 'doc_id: row 25 has no value'],
    ['small-lz4.parquet', 'ARCHIVE_UNSUPPORTED', 'it is compressed with LZ4'],
  ])('%s', async (name, code, message) => {
    await expect(inspectFile(table(name))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  const changed = async (name: string, change: (bytes: Buffer) => Buffer): Promise<unknown> => {
    const path = join(testFolder(), 'x.parquet');
    writeFileSync(path, change(readFileSync(table(name))));
    return inspectFile(path);
  };

  it('a file that was cut off, a page that was changed, a footer that lies', async () => {
    await expect(changed('snappy.parquet', (b) => b.subarray(0, -9))).rejects.toMatchObject({
      code: 'ARCHIVE_TRUNCATED',
    });
    const flipped = (bytes: Buffer): Buffer => {
      bytes[bytes.length >> 1] ^= 1;
      return bytes;
    };
    await expect(changed('split-brotli.parquet', flipped)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    const longFooter = (bytes: Buffer): Buffer => {
      bytes.writeUInt32LE(0x7fffffff, bytes.length - 8);
      return bytes;
    };
    await expect(changed('snappy.parquet', longFooter)).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('a run that claims more values than the page has fills no memory', () => {
    // A run length of 2^31 - 1, then the value 1.
    const bytes = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f, 1);
    expect(readHybrid(bytes, 0, 1, 5).values).toEqual(Uint32Array.of(1, 1, 1, 1, 1));
    expect(() => readHybrid(Uint8Array.of(0, 1), 0, 1, 5)).toThrow('an empty run');
    expect(() => readHybrid(Uint8Array.of(3, 1), 0, 8, 5)).toThrow('ends too early');
  });
});

describe('a folder of numbered files is one set', () => {
  function folderOf(parts: readonly (readonly unknown[])[]): string {
    const folder = testFolder();
    // In this order by number, not by letter.
    const names = ['part-1.jsonl', 'part-2.jsonl', 'part-10.jsonl'];
    parts.forEach((rows, i) => {
      writeFileSync(join(folder, names[i]), rows.map((row) => JSON.stringify(row)).join('\n'));
    });
    writeFileSync(join(folder, 'README.md'), '# not data');
    return folder;
  }

  it('articles go on from one file to the next', async () => {
    const rows = records();
    const folder = folderOf([rows.slice(0, 313), rows.slice(313, 650), rows.slice(650)]);
    expect(await contentOf(folder)).toBe(npz);
    expect((await describeFile(folder)).columns.map(({ rows: count }) => count)).toEqual([null, null, null, null]);
  });

  it('articles that restart are kept apart, with and without chunk numbers', async () => {
    const rows = records();
    const shifted = rows.map((row) => ({ ...row, emb: row.emb.map((x) => Number(x) / 2) }));
    for (const pos of ['pos', 'extra']) {
      const named = [rows, shifted].map((part) =>
        part.map(({ emb, doc_id: doc, pos: number }) => ({ emb, doc_id: doc, [pos]: number })),
      );
      const { articles, windows, warnings } = await inspectFile(folderOf(named));
      expect({ articles, windows }).toEqual({ articles: 100, windows: 1500 });
      expect(warnings.map(({ code }) => code)).toContain('ARTICLES_KEPT_APART');
    }
  });

  it('each file can be an article', async () => {
    const rows = records().map(({ emb }) => ({ emb }));
    const mapping = { ...NO_MAPPING, articles: parseArticleRule('by-file') };
    const { articles, windows } = await inspectFile(folderOf([rows.slice(0, 100), rows.slice(100)]), { mapping });
    expect({ articles, windows }).toEqual({ articles: 2, windows: 990 });
  });

  it('of Parquet', async () => {
    const folder = testFolder();
    for (const name of ['snappy.parquet', 'fixed-zstd.parquet']) copyFileSync(table(name), join(folder, name));
    const { rows, articles, duplicates } = await inspectFile(folder);
    expect({ rows, articles, duplicates }).toEqual({ rows: 2000, articles: 100, duplicates: 1001 });
    copyFileSync(table('half-gzip.parquet'), join(folder, 'half.parquet'));
    await expect(inspectFile(folder)).rejects.toThrow(
      'half.parquet: emb is float16 [6], but fixed-zstd.parquet: emb is float32 [6]',
    );
  });

  it('of .npy with side files', async () => {
    const folder = testFolder();
    const rows = records();
    const shard = async (name: string, part: readonly TestRecord[]): Promise<void> => {
      const values = part.flatMap(({ emb }) => emb.map(Number));
      writeFileSync(join(folder, `${name}.npy`), npyBytes({ name, shape: [part.length, 6], values }));
      const ids = part.map(({ doc_id: doc }) => Number(doc));
      writeFileSync(
        join(folder, `${name}.articles.npy`),
        npyBytes({ name, shape: [part.length], values: ids, dtype: 'i4' }),
      );
      writeFileSync(join(folder, `${name}.order.json`), JSON.stringify(part.map(({ pos }) => pos)));
      writeFileSync(join(folder, `${name}.texts.json`), JSON.stringify(part.map(({ text }) => text)));
    };
    await shard('emb-2', rows.slice(313));
    await shard('emb-1', rows.slice(0, 313));
    const { contentSha256, texts } = await inspectFile(folder);
    expect(contentSha256).toBe(npz);
    expect(texts).toMatchObject({ texts: 999, from: ['texts'] });
    expect(await inspectFile(join(folder, 'emb-1.npy'))).toMatchObject({ articles: 16, rows: 313 });
    writeFileSync(join(folder, 'emb-1.articles.npy'), npyBytes({ name: 'x', shape: [2], values: [1, 2], dtype: 'i4' }));
    await expect(inspectFile(join(folder, 'emb-1.npy'))).rejects.toMatchObject({ code: 'COUNT_MISMATCH' });
    writeFileSync(join(folder, 'emb-2.texts.json'), '["a", {}]');
    const odd = inspectFile(join(folder, 'emb-2.npy'), { textColumn: 'texts' });
    await expect(odd).rejects.toThrow('emb-2.texts.json: its element 1 is neither a text nor');
  });

  it('or the files that match a pattern', async () => {
    const rows = records();
    const folder = folderOf([rows.slice(0, 313), rows.slice(313), rows.slice(0, 10)]);
    writeFileSync(join(folder, 'x.csv'), 'a,b');
    expect(await contentOf(join(folder, 'part-?.jsonl'))).toBe(npz);
    await expect(inspectFile(join(folder, 'part-?.npz'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(inspectFile(join(folder, '*'))).rejects.toThrow('files of several kinds');
  });

  it('files of other kinds, columns or widths are refused by name', async () => {
    const rows = records();
    const narrow = rows.map((row) => ({ ...row, emb: row.emb.slice(1) }));
    await expect(inspectFile(folderOf([rows, narrow]))).rejects.toThrow('part-2.jsonl: emb is float32 [5]');
    const renamed = rows.map(({ emb, doc_id: doc, text, pos }) => ({ doc_id: doc, emb, text, position: pos }));
    await expect(inspectFile(folderOf([rows, renamed]))).rejects.toThrow('part-2.jsonl has no column "pos"');
    const mixed = folderOf([rows]);
    copyFileSync(table('snappy.parquet'), join(mixed, 'x.parquet'));
    await expect(inspectFile(mixed)).rejects.toThrow('holds files of several kinds (.jsonl, .parquet)');
    const empty = testFolder();
    mkdirSync(join(empty, 'train'));
    await expect(inspectFile(empty)).rejects.toMatchObject({ remedy: 'Choose one of its folders: "train".' });
  });
});

it.each(['array2d.parquet', 'array2d.arrow'])(
  '%s: contexts that are lists of lists are refused with a way out',
  async (name) => {
    await expect(inspectFile(table(name))).rejects.toMatchObject({
      code: 'UNSUPPORTED_DTYPE',
      message: expect.stringContaining(
        `${name}: contexts: vectors must be floats, this array is list of lists`,
      ) as string,
      remedy: expect.stringContaining('numpy.savez(FILE, contexts=') as string,
    });
  },
);

it('a Parquet footer without the path of a column is refused', async () => {
  const path = join(testFolder(), 'x.parquet');
  writeFileSync(path, mutate(readFileSync(table('small-pages.parquet')), 2_208_030));
  await expect(inspectFile(path)).rejects.toMatchObject({
    code: 'ARCHIVE_DAMAGED',
    message: expect.stringContaining('a column has no path') as string,
  });
});
