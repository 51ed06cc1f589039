import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatToHalf, halfBits, halfToFloat } from '../../../src/main/formats/columns/half.ts';
import { parseDescr, parseHeaderText } from '../../../src/main/formats/npy/header.ts';
import { openDataFile } from '../../../src/main/formats/open.ts';
import type { ReadOptions } from '../../../src/main/formats/columns/table.ts';
import { npyBytes, testFolder, writeNpz, type TestArray, type TestDType } from './helpers.ts';

describe('float16', () => {
  it('decodes every bit pattern like the platform', () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
    const values = new Float32Array(65_536);
    halfToFloat(halves, 0, values, 0, 65_536);
    expect(values).toEqual(new Float32Array(new Float16Array(halves.buffer)));
  });

  it('rounds like the platform, ties to even', () => {
    const word = fc.oneof(fc.nat(0xffffffff), fc.integer({ min: 0x32ff_0000, max: 0x3901_0000 }));
    fc.assert(
      fc.property(word, (bits) => {
        const value = new Float32Array(Uint32Array.of(bits).buffer)[0];
        fc.pre(!Number.isNaN(value));
        expect(halfBits(bits)).toBe(new Uint16Array(Float16Array.of(value).buffer)[0]);
      }),
      { numRuns: 5000 },
    );
    const middles = [0x33000000, 0x33000001, 0x33800000, 0x33c00000, 0x387fe000, 0x387ff000, 0x477fefff, 0x477ff000];
    for (const bits of middles) {
      const value = new Float32Array(Uint32Array.of(bits).buffer)[0];
      expect(halfBits(bits)).toBe(new Uint16Array(Float16Array.of(value).buffer)[0]);
    }
  });

  it('round trip preserves every float16', () => {
    const halves = Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits);
    const values = new Float32Array(halves.length);
    const back = new Uint16Array(halves.length);
    halfToFloat(halves, 0, values, 0, halves.length);
    floatToHalf(new Uint32Array(values.buffer), 0, back, halves.length);
    expect(back).toEqual(halves);
  });
});

describe('.npy headers', () => {
  const shapes = fc.array(fc.nat(2 ** 40), { maxLength: 8 });

  it('reads numpy headers with any spacing', () => {
    fc.assert(
      fc.property(shapes, fc.boolean(), fc.constantFrom('', ' ', '\t', '  '), (shape, fortran, space) => {
        const axes = shape.map((n) => `${n}${space},`).join(space);
        const text = `{${space}'descr'${space}: '<f4',${space}"fortran_order": ${fortran ? 'True' : 'False'}, 'shape': (${axes}), }  \n`;
        const header = parseHeaderText(text, 'a.npy');
        expect(header.shape).toEqual(shape);
        expect(header.fortran).toBe(fortran);
        expect(header.dtype.label).toBe('float32');
      }),
    );
  });

  it('refuses anything but plain literals', () => {
    const bad = [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2**3,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').system('true'),), }",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3.5,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} + {}",
      `${'('.repeat(20_000)}`,
      '[]',
      '',
    ];
    for (const text of bad) expect(() => parseHeaderText(text, 'a.npy')).toThrow(/header is wrong/);
  });

  it('any text is read or refused with a NextvecError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`{}()[]',: 0123TrueFalsNodscrphap<f4_"`) }), (text) => {
        expect(() => parseHeaderText(text, 'a.npy')).toThrow(/header is wrong/);
      }),
    );
  });

  it('names unsupported types and refuses invalid ones', () => {
    expect(parseDescr('>i8', 'a')).toMatchObject({ label: 'int64', littleEndian: false });
    expect(parseDescr('|O', 'a').kind).toBe('O');
    const other = ['<f16', '<c8', '<M8[ns]', '|V3', '<m8', [['x', '<f4']]].map((descr) => parseDescr(descr, 'a.npy'));
    expect(new Set(other.map(({ kind }) => kind))).toEqual(new Set(['other']));
    expect(other[2].label).toBe('datetime64[ns]');
    for (const descr of [5, null, '', '<f4 + 1']) expect(() => parseDescr(descr, 'a')).toThrow(/header is wrong/);
  });
});

async function allRows(path: string, name: string, options?: ReadOptions): Promise<number[]> {
  const file = await openDataFile(path);
  try {
    const column = await file.column(name);
    const values: number[] = [];
    for await (const block of column.rows(options)) {
      const width = block.values.length / block.rows;
      expect(values).toHaveLength(block.firstRow * width);
      values.push(...block.values);
    }
    return values;
  } finally {
    await file.close();
  }
}

describe('rows', () => {
  const arrays = fc.record({
    shape: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 })),
    dtype: fc.constantFrom<TestDType[]>('f2', 'f4', 'f8'),
    bigEndian: fc.boolean(),
    fortran: fc.boolean(),
    version: fc.constantFrom<(1 | 2 | 3)[]>(1, 2, 3),
    compress: fc.boolean(),
    blockBytes: fc.integer({ min: 1, max: 500 }),
    transposeBytes: fc.integer({ min: 1, max: 2000 }),
  });

  it('are equal for every element size, byte order, memory order, compression and block size', async () => {
    const folder = testFolder();
    await fc.assert(
      fc.asyncProperty(arrays, async ({ compress, blockBytes, transposeBytes, ...spec }) => {
        const count = spec.shape.reduce((a, b) => a * b, 1);
        const values = Float32Array.from({ length: count }, (_, i) => (i % 2048) / 8);
        const path = await writeNpz(join(folder, 'x.npz'), [{ name: 'x', values, ...spec }], compress);
        expect(await allRows(path, 'x', { blockBytes, transposeBytes, scratchFolder: folder })).toEqual([...values]);
      }),
      { numRuns: 150 },
    );
  });

  it('of a .npy and a .safetensors file', async () => {
    const folder = testFolder();
    const values = Float32Array.from({ length: 12 }, (_, i) => i / 4);
    writeFileSync(join(folder, 'x.npy'), npyBytes({ name: 'x', shape: [4, 3], values, fortran: true }));
    expect(await allRows(join(folder, 'x.npy'), 'x')).toEqual([...values]);
    const header = Buffer.from(
      JSON.stringify({
        __metadata__: { made: 'by a test' },
        half: { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
        brain: { dtype: 'BF16', shape: [1, 2], data_offsets: [8, 12] },
      }),
    );
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    const data = Buffer.concat([
      Buffer.from(Float16Array.of(0.5, -2, 1, 65504).buffer),
      Buffer.from(Uint16Array.of(0x3f80, 0xc000).buffer),
    ]);
    writeFileSync(join(folder, 'x.safetensors'), Buffer.concat([size, header, data]));
    expect(await allRows(join(folder, 'x.safetensors'), 'half')).toEqual([0.5, -2, 1, 65504]);
    expect(await allRows(join(folder, 'x.safetensors'), 'brain')).toEqual([1, -2]);
    writeFileSync(join(folder, 'short.safetensors'), Buffer.concat([size, header, data.subarray(0, 9)]));
    await expect(openDataFile(join(folder, 'short.safetensors'))).rejects.toThrow(
      expect.objectContaining({ code: 'ARCHIVE_TRUNCATED', message: expect.stringContaining('the file holds 9') }),
    );
  });
});

describe('integers', () => {
  it('read any width and byte order; refuse values beyond 2^53', async () => {
    const folder = testFolder();
    const list: TestArray[] = [
      { name: 'a', shape: [3], values: [1, 200, 255], dtype: 'u1' },
      { name: 'b', shape: [3], values: [-1, 200, 2 ** 31 - 1], dtype: 'i4', bigEndian: true },
      { name: 'c', shape: [2], values: [-(2 ** 40), Number.MAX_SAFE_INTEGER], dtype: 'i8' },
      { name: 'd', shape: [2], values: [3, 2 ** 60], dtype: 'i8' },
      { name: 'e', shape: [2], values: [3, 2.5], dtype: 'f4' },
      { name: 'f', shape: [2], values: [0, 12], dtype: 'f2' },
    ];
    const file = await openDataFile(await writeNpz(join(folder, 'i.npz'), list, true));
    const read = async (name: string): Promise<number[]> => [...(await (await file.column(name)).integers())];
    expect(await read('a')).toEqual([1, 200, 255]);
    expect(await read('b')).toEqual([-1, 200, 2 ** 31 - 1]);
    expect(await read('c')).toEqual([-(2 ** 40), Number.MAX_SAFE_INTEGER]);
    await expect(read('d')).rejects.toThrow('element 1');
    await expect(read('e')).rejects.toThrow('element 1 is 2.5');
    expect(await read('f')).toEqual([0, 12]);
    await file.close();
  });
});
