/** HDF5 files as h5py writes them: the same chunks give the same data set. Files of tests/fixtures/make_tables.py. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { NO_MAPPING } from '#shared/domain/datasets/mapping.ts';
import { describeFile } from '../../../src/main/datasets/import/describe.ts';
import type { ImportOptions } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
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
  it('chunked and compressed, with texts', async () => {
    const { contentSha256, texts } = await inspectFile(table('gzip.h5'));
    expect(contentSha256).toBe(npz);
    expect(texts).toMatchObject({ texts: 999, from: ['text'] });
  });

  it('in groups: big-endian float64, float16, fixed-width names, an order of floats', async () => {
    const mapping = { ...NO_MAPPING, article: 'book/doc', order: 'book/order' };
    const read = (vector: string) => inspectFile(table('half.h5'), { mapping: { ...mapping, vector } });
    expect(await read('book/emb')).toMatchObject({ articles: 50, windows: 750, articleRange: [0, 49] });
    const half = await read('book/emb16');
    expect(half.checksum).not.toBe((await read('book/emb')).checksum);
    expect(half.coherence.mean).toBeCloseTo((await read('book/emb')).coherence.mean ?? 0, 9);
  });

  it('windows', async () => {
    expect(await inspectFile(table('windows.h5'))).toMatchObject({ kind: 'windows', windows: 750, vectors: 999 });
  });
});

it('data sets are described as columns', async () => {
  const { format, kind, guess, columns } = await describeFile(table('gzip.h5'));
  expect({ format, kind }).toEqual({ format: 'hdf5', kind: 'chunks' });
  expect(guess).toMatchObject({ vector: 'emb', article: 'doc_id', order: 'pos', text: 'text' });
  expect(columns.map(({ name, type, rows, rowShape }) => [name, type, rows, rowShape])).toEqual([
    ['doc_id', 'int64', 1000, []],
    ['emb', 'float32', 1000, [6]],
    ['pos', 'int16', 1000, []],
    ['text', 'text', 1000, []],
  ]);
  expect(columns[3].first[0]).toBe('chunk 0 of article 1, harbour and harbour');
});

describe('damaged and hostile files', () => {
  const changed = (change: (bytes: Buffer) => Buffer): string => {
    const path = join(testFolder(), 'x.h5');
    writeFileSync(path, change(readFileSync(table('small.h5'))));
    return path;
  };

  it('one that was cut off is refused: what lies beyond its end would read as zeros', async () => {
    await expect(inspectFile(changed((b) => b.subarray(0, -100)))).rejects.toMatchObject({
      code: 'ARCHIVE_TRUNCATED',
      message: 'x.h5: the HDF5 file should have 14824 bytes and has 14724, so it was cut off.',
    });
  });

  it('a chunk that does not match its checksum is refused', async () => {
    const flipped = changed((bytes) => {
      for (let i = 9000; i < 9100; i++) bytes[i] ^= 0xff;
      return bytes;
    });
    await expect(inspectFile(flipped)).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('a superblock of no known version is refused', async () => {
    const unknown = changed((bytes) => {
      bytes[8] = 9;
      return bytes;
    });
    await expect(inspectFile(unknown)).rejects.toThrow('its superblock is not understood');
  });

  it('external storage leads to no other file; compression that is not read is named', async () => {
    const file = await openDataFile(table('small.h5'));
    const read = async (name: string) => (await file.column(name)).rows().next();
    await expect(read('external')).rejects.toThrow('the HDF5 data is damaged: unable to open external');
    await expect(read('lzf')).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
    await file.close();
  });
});
