/** Writes small .npz files in every variant of the format; temporary folders. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import yazl from 'yazl';
import { Random } from '#engine/random.ts';

export type TestDType = 'f2' | 'f4' | 'f8' | 'i4' | 'i8' | 'u1';

export interface TestArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major values. */
  readonly values: ArrayLike<number>;
  readonly dtype?: TestDType;
  readonly bigEndian?: boolean;
  readonly fortran?: boolean;
  readonly version?: 1 | 2 | 3;
}

/** A temporary folder, removed when the test ends. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nextvec-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function writeNpz(path: string, arrays: readonly TestArray[], compress = false): Promise<string> {
  const zip = new yazl.ZipFile();
  for (const array of arrays) zip.addBuffer(npyBytes(array), `${array.name}.npy`, { compress });
  zip.end();
  writeFileSync(path, await buffer(zip.outputStream));
  return path;
}

export function npyBytes({ shape, values, dtype = 'f4', bigEndian, fortran, version = 1 }: TestArray): Buffer {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const descr = `'descr': '${bigEndian ? '>' : '<'}${dtype}', 'fortran_order': ${fortran ? 'True' : 'False'}`;
  const text = `{${descr}, 'shape': (${axes}), }`;
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const head = Buffer.alloc(prefix);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(length, 8);
  else head.writeUInt32LE(length, 8);
  return Buffer.concat([
    head,
    Buffer.from(`${text.padEnd(length - 1)}\n`),
    elementBytes(shape, values, dtype, { bigEndian, fortran }),
  ]);
}

function elementBytes(
  shape: readonly number[],
  values: ArrayLike<number>,
  dtype: TestDType,
  { bigEndian = false, fortran = false },
): Buffer {
  // Values by the million are float32 as they are.
  if (values instanceof Float32Array && dtype === 'f4' && !bigEndian && !fortran)
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const size = Number(dtype[1]);
  const bytes = Buffer.alloc(values.length * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const put: Record<TestDType, (at: number, value: number) => void> = {
    f2: (at, value) => view.setFloat16(at, value, !bigEndian),
    f4: (at, value) => view.setFloat32(at, value, !bigEndian),
    f8: (at, value) => view.setFloat64(at, value, !bigEndian),
    i4: (at, value) => view.setInt32(at, value, !bigEndian),
    i8: (at, value) => view.setBigInt64(at, BigInt(value), !bigEndian),
    u1: (at, value) => view.setUint8(at, value),
  };
  for (let i = 0; i < values.length; i++) put[dtype](size * (fortran ? fortranPlace(i, shape) : i), values[i]);
  return bytes;
}

function fortranPlace(rowMajor: number, shape: readonly number[]): number {
  const index: number[] = [];
  let rest = rowMajor;
  for (const n of shape.toReversed()) {
    index.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  let place = 0;
  let stride = 1;
  for (const [axis, n] of shape.entries()) {
    place += index[axis] * stride;
    stride *= n;
  }
  return place;
}

export interface SyntheticChunks {
  readonly vectors: Float32Array;
  readonly articles: number[];
  readonly chunks: number[];
  readonly M: number;
  readonly D: number;
}

/** Unit vectors of articles that drift from a topic; `smooth` 0..1 mixes each with its predecessor. */
export function syntheticChunks(articleCount: number, D: number, seed: number, smooth = 0): SyntheticChunks {
  const random = new Random(seed);
  const rows: Float64Array[] = [];
  const articles: number[] = [];
  const chunks: number[] = [];
  const common = Float64Array.from({ length: D }, () => random.normal() * 0.5);
  for (let article = 1; article <= articleCount; article++) {
    const topic = Float64Array.from({ length: D }, () => random.normal());
    const length = 7 + random.integer(14);
    for (let c = 0; c < length; c++) {
      const own = unit(topic.map((x, d) => common[d] + x + random.normal()));
      const before = rows.at(-1);
      rows.push(c > 0 && before ? unit(own.map((x, d) => (1 - smooth) * x + smooth * before[d])) : own);
      articles.push(article);
      chunks.push(c);
    }
  }
  const vectors = Float32Array.from(rows.flatMap((row) => Array.from(row)));
  return { vectors, articles, chunks, M: rows.length, D };
}

function unit(row: Float64Array): Float64Array {
  const norm = Math.hypot(...row);
  return row.map((x) => x / norm);
}

export function writeChunks(path: string, data: SyntheticChunks, dtype: TestDType = 'f4'): Promise<string> {
  return writeNpz(path, [
    { name: 'vectors', shape: [data.M, data.D], values: data.vectors, dtype },
    { name: 'article_indices', shape: [data.M], values: data.articles, dtype: 'i8' },
    { name: 'chunk_indices', shape: [data.M], values: data.chunks, dtype: 'i4' },
  ]);
}

/** Every window of a sliding pass over the chunks, across articles, as a windows file. */
export function slidingWindows(data: SyntheticChunks, T: number): { contexts: number[]; targets: number[]; N: number } {
  const { vectors, D, M } = data;
  const contexts: number[] = [];
  const targets: number[] = [];
  for (let w = 0; w + T < M; w++) {
    contexts.push(...vectors.subarray(w * D, (w + T) * D));
    targets.push(...vectors.subarray((w + T) * D, (w + T + 1) * D));
  }
  return { contexts, targets, N: M - T };
}
