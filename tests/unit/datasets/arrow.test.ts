/** Arrow files as pyarrow, pandas and Hugging Face's datasets write them: the same chunks give the same data set. Files of tests/fixtures/make_tables.py. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeFile } from '../../../src/main/datasets/import/describe.ts';
import type { ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
import { decodeBlock } from '../../../src/main/formats/arrow/lz4.ts';
import { openDataFile } from '../../../src/main/formats/open.ts';
import { testFolder } from './helpers.ts';

const table = (name: string): string => join(import.meta.dirname, '../../fixtures/tables', name);

async function contentOf(path: string, options: ImportOptions = {}): Promise<string | undefined> {
  return (await inspectFile(path, options)).contentSha256;
}

let npz: string | undefined;
beforeAll(async () => {
  npz = await contentOf(table('chunks.npz'));
});

describe('the same content as the .npz', () => {
  it.each(['stream.arrow', 'file-zstd.arrow', 'pyarrow.feather', 'pandas.feather', 'delta.arrow', 'hugging-face'])(
    '%s',
    async (name) => {
      const { contentSha256, texts } = await inspectFile(table(name));
      expect(contentSha256).toBe(npz);
      expect(texts).toMatchObject({ texts: 999, from: ['text'] });
    },
  );

  it('float16, windows, and names of articles with texts as views', async () => {
    expect(await contentOf(table('half-lz4.arrow'))).toBe(await contentOf(table('chunks.npz'), { dtype: 'float16' }));
    expect(await inspectFile(table('windows.arrow'))).toMatchObject({ kind: 'windows', windows: 750, vectors: 999 });
    const { articleRange, articles, windows, texts } = await inspectFile(table('names.arrow'));
    expect({ articleRange, articles, windows }).toEqual({ articleRange: [0, 49], articles: 50, windows: 750 });
    expect(texts).toMatchObject({ texts: 999 });
  });

  it('in blocks of any size', async () => {
    const file = await openDataFile(table('pyarrow.feather'));
    const column = await file.column('emb');
    const read = async (blockBytes: number): Promise<number[]> => {
      const values: number[] = [];
      for await (const block of column.rows({ blockBytes })) values.push(...block.values);
      return values;
    };
    expect(await read(100)).toEqual(await read(1 << 20));
    await file.close();
  });
});

it('columns are described with a guess which is what', async () => {
  const { format, kind, guess, columns } = await describeFile(table('file-zstd.arrow'));
  expect({ format, kind }).toEqual({ format: 'arrow', kind: 'chunks' });
  expect(guess).toMatchObject({ vector: 'emb', article: 'doc_id', order: 'pos', text: 'text' });
  expect(columns.map(({ name, type, rows, rowShape }) => [name, type, rows, rowShape])).toEqual([
    ['doc_id', 'int64', 1000, []],
    ['pos', 'int32', 1000, []],
    ['text', 'text', 1000, []],
    ['emb', 'float64', 1000, [6]],
  ]);
  expect(columns[2].first[0]).toBe('chunk 0 of article 1, harbour and harbour');
});

describe('folders of Hugging Face', () => {
  it('splits are named, and caches left out', async () => {
    const folder = testFolder();
    cpSync(table('hugging-face'), join(folder, 'train'), { recursive: true });
    writeFileSync(join(folder, 'dataset_dict.json'), '{"splits": ["train", "test"]}');
    await expect(inspectFile(folder)).rejects.toMatchObject({
      message: `${folder} is a DatasetDict with the splits train, test.`,
      remedy: `Import one of them: ${join(folder, 'train')}, ${join(folder, 'test')}.`,
    });
    cpSync(table('small-stream.arrow'), join(folder, 'train/cache-1234.arrow'));
    expect(await contentOf(join(folder, 'train'))).toBe(npz);
  });

  it.each([
    ['{"_data_files": [{"filename": "../x.arrow"}]}', 'names a file outside itself'],
    ['{"_data_files": [{"filename": "x.arrow"}], "_indices_data_files": [{}]}', 'is a selection of rows'],
    ['{"_data_files": 3}', 'state.json: _data_files is not as datasets writes it'],
    ['{', 'state.json'],
  ])('%s', async (state, message) => {
    const folder = join(testFolder(), 'set');
    mkdirSync(folder);
    writeFileSync(join(folder, 'state.json'), state);
    await expect(inspectFile(folder)).rejects.toThrow(message);
  });
});

/** Says 900 MB at a place. */
function withUint32(bytes: Buffer, place: number): Buffer {
  bytes.writeUInt32LE(9e8, place);
  return bytes;
}

describe('damaged files are refused with file, column and place', () => {
  it.each([
    ['small-ragged.arrow', 'WIDTH_MISMATCH', 'emb: the list of row 30 has 5 elements, the first has 6'],
    ['small-null.arrow', 'HEADER_MISMATCH', 'emb: row 30 has no value'],
    ['small-null-element.arrow', 'HEADER_MISMATCH', 'emb: row 30 has no value'],
    ['small-no-article.arrow', 'HEADER_MISMATCH', 'doc_id: row 25 has no'],
  ])('%s', async (name, code, message) => {
    await expect(inspectFile(table(name))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['a file without its footer', 'file-zstd.arrow', (b: Buffer) => b.subarray(0, -7), 'ARCHIVE_TRUNCATED'],
    ['a stream without its end', 'stream.arrow', (b: Buffer) => b.subarray(0, -8), 'ARCHIVE_TRUNCATED'],
    ['a stream that ends in a batch', 'stream.arrow', (b: Buffer) => b.subarray(0, -800), 'ARCHIVE_TRUNCATED'],
    ['a footer that lies', 'file-zstd.arrow', (b: Buffer) => withUint32(b, b.length - 10), 'ARCHIVE_DAMAGED'],
    ['a header that lies', 'stream.arrow', (b: Buffer) => withUint32(b, 4), 'ARCHIVE_DAMAGED'],
    ['a stream of nothing', 'stream.arrow', () => Buffer.from('ffffffff00000000', 'hex'), 'ARCHIVE_DAMAGED'],
  ] as const)('%s', async (_, name, change, code) => {
    const path = join(testFolder(), 'x.arrow');
    writeFileSync(path, change(readFileSync(table(name))));
    await expect(inspectFile(path)).rejects.toMatchObject({ code });
  });

  it('LZ4 blocks write and read nothing outside their bounds', () => {
    const out = new Uint8Array(8);
    // Two literals, then a match of 4 that repeats the last of them; then one literal.
    expect(decodeBlock(Uint8Array.of(0x20, 7, 9, 1, 0, 0x10, 5), out, 0, 8)).toBe(7);
    expect([...out]).toEqual([7, 9, 9, 9, 9, 9, 5, 0]);
    expect(() => decodeBlock(Uint8Array.of(0x20, 7, 9, 1, 0, 0x10, 5), out, 0, 6)).toThrow('do not fit');
    expect(() => decodeBlock(Uint8Array.of(0x20, 7, 9, 3, 0, 0), out, 0, 8)).toThrow('match does not fit');
    expect(() => decodeBlock(Uint8Array.of(0xf0, 255, 255), out, 0, 8)).toThrow('ends too early');
  });
});
