/** Small files that ask for much: memory is bounded by limits that are checked before it is taken. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { inspectFile } from '../../support/inspect.ts';
import { readPickle } from '../../../src/main/formats/pickle/read.ts';
import { decodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { refuseImplausibleRatio } from '../../../src/main/formats/columns/table.ts';
import { TORCH_VOCABULARY } from '../../../src/main/formats/torch/vocabulary.ts';
import { readWeightsFile } from '../../support/weights.ts';
import { npyBytes, testFolder } from '../datasets/helpers.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A list that holds the list before it ten times, `depth` times over. */
function doubling(depth: number): string {
  const byte = String.fromCharCode;
  let text = ']q\0';
  for (let i = 0; i < depth; i++) text += `](${`h${byte(i)}`.repeat(10)}eq${byte(i + 1)}`;
  return text;
}

const BOMBS: readonly (readonly [string, string, RegExp])[] = [
  ['deep marks', `\x80\x04${'('.repeat(5000)}.`, /nested too deeply/],
  ['a long stack', `\x80\x04${'N'.repeat(1_100_000)}.`, /too many values/],
  ['a long stack under marks', `\x80\x04${`(${'N'.repeat(400_000)}`.repeat(3)}.`, /too many values/],
  ['memo indices far apart', '\x80\x04Nr\x00\x2d\x31\x01.', /memo index/],
  ['many empty dicts', `\x80\x04${'}0'.repeat(3_000_000)}N.`, /more than \d+ MB/],
  ['one array decoded many times', arrayBomb(), /more than \d+ MB/],
];

/** Builds a float64 array from the same memoized bytes again and again. */
function arrayBomb(): string {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(800_000);
  const bytes = `B${size.toString('latin1')}${'\0'.repeat(800_000)}q\0`;
  const dtype = 'cnumpy\ndtype\nU\x02f8\x85Rq\x01';
  const build = 'cnumpy.core.numeric\n_frombuffer\n(h\0h\x01J\xa0\x86\x01\0\x85tR0';
  return `\x80\x04${bytes}0${dtype}0${build.repeat(200)}N.`;
}

describe('pickles', () => {
  it.each(BOMBS)('%s: refused', (_, text, words) => {
    expect(() => readPickle(latin1(text), 'meta')).toThrow(
      expect.objectContaining({ code: 'METADATA_REFUSED', message: expect.stringMatching(words) }),
    );
  });

  it('shared references are not expanded', () => {
    expect(readPickle(latin1(`\x80\x04${doubling(60)}.`), 'meta')).toHaveLength(10);
  });

  it('refuses a device or a path made of nested lists', () => {
    for (const type of ['ctorch\ndevice\n', 'cpathlib\nPosixPath\n']) {
      const text = `\x80\x04${type}(${doubling(60)}tR.`;
      expect(() => readPickle(latin1(text), 'm', TORCH_VOCABULARY)).toThrow(/not understood/);
    }
  });

  it('shows only the beginning of a long name', () => {
    const text = `c${'m'.repeat(100_000)}\n${'n'.repeat(100_000)}\n.`;
    expect(() => readPickle(latin1(text), 'meta')).toThrow(/^.{1,300}$/s);
  });

  it('too much metadata is left out, and the vectors are imported', async () => {
    const zip = new yazl.ZipFile();
    const values = Float32Array.from({ length: 48 }, (_, i) => i + 1);
    zip.addBuffer(npyBytes({ name: 'context_sequences', shape: [6, 2, 4], values }), 'context_sequences.npy');
    zip.addBuffer(
      npyBytes({ name: 'target_vectors', shape: [6, 4], values: values.subarray(24) }),
      'target_vectors.npy',
    );
    const text = `{'descr': '|O', 'fortran_order': False, 'shape': (6,), }`.padEnd(117);
    const pickle = latin1(`\x93NUMPY\x01\x00\x76\x00${text}\n\x80\x04${'('.repeat(5000)}.`);
    zip.addBuffer(pickle, 'metadata.npy');
    zip.end();
    const path = join(testFolder(), 'x.npz');
    writeFileSync(path, await buffer(zip.outputStream));
    const { windows, warnings } = await inspectFile(path);
    expect(windows).toBe(6);
    expect(warnings.map(({ code }) => code)).toContain('METADATA_REFUSED');
  });
});

describe('PyTorch tensors', () => {
  const int = (n: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(n);
    return `J${bytes.toString('latin1')}`;
  };
  const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`;

  /** A checkpoint of one tensor `fc.weight` over a storage of four float32 numbers. */
  async function checkpoint(path: string, shape: readonly number[], stride: readonly number[]): Promise<void> {
    const storage = `(${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}${int(4)}tQ`;
    const sizes = (list: readonly number[]): string => `(${list.map(int).join('')}t`;
    const rest = `${int(0)}${sizes(shape)}${sizes(stride)}\x89ccollections\nOrderedDict\n)R`;
    const pickle = `\x80\x02}${text('fc.weight')}ctorch._utils\n_rebuild_tensor_v2\n(${storage}${rest}tRs.`;
    const zip = new yazl.ZipFile();
    zip.addBuffer(latin1(pickle), 'm/data.pkl');
    zip.addBuffer(Buffer.alloc(16), 'm/data/0');
    zip.end();
    writeFileSync(path, await buffer(zip.outputStream));
  }

  it('have no more elements than their storage', async () => {
    const path = join(testFolder(), 'x.pt');
    await checkpoint(path, [2, 2], [2, 1]);
    expect((await readWeightsFile(path)).tensors.get('fc.weight')?.shape).toEqual([2, 2]);
    for (const shape of [
      [2 ** 31 - 1, 1],
      [200_000_000, 1],
      [5, 1],
    ]) {
      await checkpoint(path, shape, [0, 0]);
      await expect(readWeightsFile(path)).rejects.toMatchObject({
        code: 'HEADER_MISMATCH',
        message: expect.stringContaining('more elements than its storage, which holds 4'),
      });
    }
  });
});

describe('safetensors headers', () => {
  const withHeader = (header: string): Buffer => {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([size, Buffer.from(header)]);
  };
  const entries = (count: number): string =>
    Array.from({ length: count }, (_, i) => `"k${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`).join(',');

  it.each([
    ['too long', `{"__metadata__":{"a":"${'x'.repeat(5 << 20)}"}}`, /at most 4194304/],
    ['with too many tensors', `{${entries(10_001)}}`, /names 10001 tensors/],
    ['nested deeply', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /entry of a is not valid/],
    ['with a long name', `{"${'x'.repeat(100_000)}":1}`, /^.{1,400}$/s],
  ])('%s: refused', (_, header, words) => {
    expect(() => decodeSafetensors(withHeader(header), 'x')).toThrow(words);
  });
});

it('refuses float data compressed more than 100 : 1', () => {
  const column = { place: 'x.npz: vectors.npy', bytes: 2 ** 31, storedBytes: 6e6 };
  expect(() => refuseImplausibleRatio(column)).toThrow(/6000000 compressed bytes inflate to 2147483648/);
  expect(() => refuseImplausibleRatio({ ...column, storedBytes: 2 ** 31 / 50 })).not.toThrow();
  expect(() => refuseImplausibleRatio({ ...column, bytes: 1 << 20, storedBytes: 2000 })).not.toThrow();
});
