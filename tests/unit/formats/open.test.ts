/** File formats are recognised by content; columns that are not requested are not read. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { importDataset } from '../../../src/main/datasets/import/import.ts';
import { inspectFile } from '../../support/inspect.ts';
import { encodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { readModelWeights } from '../../../src/main/weights/model-weights.ts';
import { npyBytes, syntheticChunks, testFolder, type TestArray } from '../datasets/helpers.ts';

const chunks = syntheticChunks(8, 12, 1);
const ARRAYS: readonly TestArray[] = [
  { name: 'vectors', shape: [chunks.M, chunks.D], values: chunks.vectors },
  { name: 'article_indices', shape: [chunks.M], values: chunks.articles, dtype: 'i8' },
  { name: 'chunk_indices', shape: [chunks.M], values: chunks.chunks, dtype: 'i8' },
];

/** An array of `bytes` zeros under any type string or list of fields. */
function rawNpy(descr: string, shape: string, bytes: number): Buffer {
  const text = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const head = Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1');
  return Buffer.concat([head, Buffer.from(`${text}\n`), Buffer.alloc(bytes)]);
}

async function writeZip(path: string, more: Readonly<Record<string, Buffer>>, arrays = ARRAYS): Promise<string> {
  const zip = new yazl.ZipFile();
  for (const array of arrays) zip.addBuffer(npyBytes(array), `${array.name}.npy`);
  for (const [name, bytes] of Object.entries(more)) zip.addBuffer(bytes, name);
  zip.end();
  writeFileSync(path, await buffer(zip.outputStream));
  return path;
}

describe('columns that are not needed', () => {
  it.each([
    ['datetime64', { 'created.npy': rawNpy("'<M8[s]'", '(3,)', 24) }],
    ['structured', { 'info.npy': rawNpy("[('url', '<U20'), ('n', '<i4')]", '(2,)', 168) }],
    ['complex', { 'fft.npy': rawNpy("'<c16'", '(2,)', 32) }],
    ['void', { 'blob.npy': rawNpy("'|V3'", '()', 3) }],
    ['a header that is damaged', { 'other.npy': Buffer.from('no array') }],
    ['no array', { 'readme.txt': Buffer.from('hello') }],
    ["Finder's attributes", { '__MACOSX/._vectors.npy': Buffer.alloc(90), '._vectors.npy': Buffer.alloc(90) }],
  ])('%s: the others are imported', async (_, more) => {
    const passport = await inspectFile(await writeZip(join(testFolder(), 'x.npz'), more));
    expect(passport).toMatchObject({ rows: chunks.M, D: chunks.D, warnings: [] });
  });

  it('are refused by type when they are the vectors', async () => {
    const folder = testFolder();
    const bfloat = await writeZip(join(folder, 'v.npz'), { 'vectors.npy': rawNpy("'|V2'", '(4, 2)', 16) }, []);
    await expect(inspectFile(bfloat)).rejects.toThrow(/vectors must be floats.*void.*bfloat16/);
    const objects = await writeZip(join(folder, 'o.npz'), { 'vectors.npy': rawNpy("'|O'", '(4,)', 16) }, []);
    await expect(inspectFile(objects)).rejects.toMatchObject({
      remedy: expect.stringContaining('numpy.stack(vectors)'),
    });
  });

  it('metadata of any type that cannot be used costs a warning, not the vectors', async () => {
    const windows: TestArray[] = [
      { name: 'context_sequences', shape: [6, 2, 4], values: Float32Array.from({ length: 48 }, (_, i) => i + 1) },
      { name: 'target_vectors', shape: [6, 4], values: Float32Array.from({ length: 24 }, (_, i) => -i - 1) },
    ];
    const structured = { 'metadata.npy': rawNpy("[('article_index', '<i8')]", '(6,)', 48) };
    const passport = await inspectFile(await writeZip(join(testFolder(), 'm.npz'), structured, windows));
    expect(passport.windows).toBe(6);
    expect(passport.warnings.map(({ code }) => code)).toContain('METADATA_UNUSABLE');
  });
});

describe('a file of another kind is named', () => {
  it.each([
    ['empty', '', 'is empty'],
    ['an LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n', 'Git LFS pointer'],
    ['a web page', '\n<!DOCTYPE html><html><body>Sign in</body></html>', 'web page'],
    ['gzip', '\x1f\x8b\x08\x00', 'gzip'],
    ['Feather of version 1', 'FEA1\0\0', 'Feather file of version 1'],
    ['JSON', '[1, 2]', 'JSON'],
  ])('%s, as data and as weights', async (_, content, words) => {
    const path = join(testFolder(), 'x.npz');
    writeFileSync(path, Buffer.from(content, 'latin1'));
    for (const read of [inspectFile, readModelWeights]) {
      await expect(read(path)).rejects.toMatchObject({
        code: 'NOT_AN_ARCHIVE',
        message: expect.stringContaining(words),
        remedy: expect.stringMatching(/\w/),
      });
    }
  });

  it('a PyTorch checkpoint as data', async () => {
    await expect(inspectFile('tests/fixtures/pt/amn.pt')).rejects.toThrow('PyTorch checkpoint');
  });
});

it('reads safetensors, .npy and .npz under any name', async () => {
  const folder = testFolder();
  const vectors = { shape: [chunks.M, chunks.D], data: chunks.vectors };
  writeFileSync(join(folder, 'model.bin'), encodeSafetensors(new Map([['vectors', vectors]])));
  expect((await inspectFile(join(folder, 'model.bin'))).rows).toBe(chunks.M);
  writeFileSync(join(folder, 'v.dat'), npyBytes(ARRAYS[0]));
  expect((await inspectFile(join(folder, 'v.dat'))).rows).toBe(chunks.M);
  copyFileSync(await writeZip(join(folder, 'x.npz'), {}), join(folder, 'x.safetensors'));
  expect((await inspectFile(join(folder, 'x.safetensors'))).rows).toBe(chunks.M);
});

describe('the reason of a refusal', () => {
  const refuse = async (arrays: readonly TestArray[]): Promise<Error> => {
    const folder = testFolder();
    const path = await writeZip(join(folder, 'x.npz'), {}, arrays);
    return importDataset(path, join(folder, 'set')).then(
      () => new Error('it was imported'),
      (error: Error) => error,
    );
  };

  it('a float64 that float32 cannot hold is too large, not infinite', async () => {
    const values = Float64Array.from(chunks.vectors);
    values[2 * chunks.D + 8] = 1e39;
    for (const fortran of [false, true]) {
      const { message } = await refuse([{ ...ARRAYS[0], values, dtype: 'f8', fortran }]);
      expect(message).toContain('element [2, 8] is 1e+39, too large for float32');
    }
  });

  it('integers stored as float16 are read', async () => {
    const passport = await inspectFile(
      await writeZip(join(testFolder(), 'x.npz'), {}, [ARRAYS[0], { ...ARRAYS[1], dtype: 'f2' }, ARRAYS[2]]),
    );
    expect(passport.articles).toBe(8);
  });

  it('a .npy with three axes has the wrong rank', async () => {
    const path = join(testFolder(), 'x.npy');
    writeFileSync(path, npyBytes({ name: 'x', shape: [2, 3, 4], values: new Float32Array(24) }));
    await expect(inspectFile(path)).rejects.toMatchObject({ code: 'WRONG_RANK' });
  });
});
