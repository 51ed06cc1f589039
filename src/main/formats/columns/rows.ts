/**
 * Rows of a float array as float32, block by block in bounded memory, whatever its element size, byte order and memory
 * order. R rows, W elements a row (all axes but the first). While the caller works on one block the next is being read.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import type { StoredArray } from './stored-array.ts';
import { MemberReader, readExactly, readThrough, readWhole } from '../files/bytes.ts';
import { toFloat32 } from './narrow.ts';
import { bfloatToFloat, halvesToFloats } from './half.ts';
import { elementsOf, rowLength, type ReadOptions, type RowBlock } from './table.ts';

const BLOCK_BYTES = 2 << 20;
const TRANSPOSE_BYTES = 64 << 20;

export function readRows(array: StoredArray, options: ReadOptions = {}): AsyncGenerator<RowBlock, void> {
  const oneAxis = array.shape.length < 2 || rowLength(array) === 1;
  return array.fortran && !oneAxis ? readFortranRows(array, options) : readPlainRows(array, options);
}

/** C order: a forward read into two buffers that take turns. */
async function* readPlainRows(array: StoredArray, options: ReadOptions): AsyncGenerator<RowBlock, void> {
  // A single value is one row of one number.
  const R = array.shape[0] ?? 1;
  const W = rowLength(array);
  const blockRows = Math.max(1, Math.floor((options.blockBytes ?? BLOCK_BYTES) / (W * array.dtype.bytes)));
  const reader = new MemberReader(array.member, options.signal);
  const buffers = [0, 1].map(() => new Uint8Array(Math.min(blockRows, R) * W * array.dtype.bytes));
  const fill = (first: number): Promise<number> =>
    reader.read(buffers[(first / blockRows) & 1].subarray(0, Math.min(blockRows, R - first) * W * array.dtype.bytes));
  let pending: Promise<number> | null = null;
  try {
    await reader.read(new Uint8Array(array.dataOffset));
    pending = R > 0 ? fill(0) : null;
    for (let first = 0; first < R; first += blockRows) {
      await pending;
      const rows = Math.min(blockRows, R - first);
      pending = first + rows < R ? fill(first + rows) : null;
      // A failure is reported when its block is awaited, not as an unhandled rejection before that.
      pending?.catch(() => undefined);
      const values = floatsOf(buffers[(first / blockRows) & 1], array, rows * W, (i) => first * W + i);
      yield { firstRow: first, rows, values };
    }
  } finally {
    await pending?.catch(() => undefined);
    await reader.close();
  }
}

/**
 * float32 values of the first `count` elements of `bytes`, in place where that is possible. `placeOf(i)` is the row-major
 * place in the array of the i-th of them.
 */
function floatsOf(
  bytes: Uint8Array<ArrayBuffer>,
  array: StoredArray,
  count: number,
  placeOf: (i: number) => number,
): Float32Array<ArrayBuffer> {
  const { kind, bytes: size, littleEndian } = array.dtype;
  const used = Buffer.from(bytes.buffer, bytes.byteOffset, count * size);
  if (!littleEndian) swap(used, size);
  if (size === 4) return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  if (size === 8) {
    const wide = new Float64Array(bytes.buffer, bytes.byteOffset, count);
    return toFloat32(wide, (i) => `${array.place}: element [${unravel(placeOf(i), array.shape).join(', ')}]`);
  }
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  if (kind !== 'bf') return halvesToFloats(words);
  const values = new Float32Array(count);
  bfloatToFloat(words, values, count);
  return values;
}

/** Index along each axis of a row-major place. */
export function unravel(place: number, shape: readonly number[]): number[] {
  let rest = place;
  const index = shape.toReversed().map((n) => {
    const at = rest % n;
    rest = Math.floor(rest / n);
    return at;
  });
  return index.toReversed();
}

function swap(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else bytes.swap64();
}

/** Random access to the elements, whatever the container. */
interface ElementBytes {
  read(into: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Fortran order: column c holds its R elements together; a strip of rows is gathered from every column. */
async function* readFortranRows(array: StoredArray, options: ReadOptions): AsyncGenerator<RowBlock, void> {
  const R = array.shape[0];
  const W = rowLength(array);
  const size = array.dtype.bytes;
  const budget = options.transposeBytes ?? TRANSPOSE_BYTES;
  const blockRows = Math.max(1, Math.min(R, Math.floor(budget / (W * size))));
  const order = columnOrder(array.shape.slice(1));
  const source = await openElements(array, budget, options);
  try {
    for (let first = 0; first < R; first += blockRows) {
      const rows = Math.min(blockRows, R - first);
      const values = new Float32Array(rows * W);
      const column = new Uint8Array(rows * size);
      for (let c = 0; c < W; c++) {
        throwIfCancelled(options.signal, 'Reading');
        await source.read(column, (c * R + first) * size);
        const numbers = floatsOf(column, array, rows, (i) => (first + i) * W + order[c]);
        scatter(numbers, values, order[c], W);
      }
      yield { firstRow: first, rows, values };
    }
  } finally {
    await source.close();
  }
}

function scatter(column: Float32Array, values: Float32Array, at: number, W: number): void {
  for (let r = 0; r < column.length; r++) values[r * W + at] = column[r];
}

/** Row-major place of each trailing index, in the order Fortran counts them (first axis fastest). */
function columnOrder(axes: readonly number[]): Uint32Array {
  const count = axes.reduce((product, n) => product * n, 1);
  const order = new Uint32Array(count);
  for (let c = 0; c < count; c++) {
    let rest = c;
    let place = 0;
    let stride = count;
    for (const n of axes) {
      stride /= n;
      place += (rest % n) * stride;
      rest = Math.floor(rest / n);
    }
    order[c] = place;
  }
  return order;
}

async function openElements(array: StoredArray, budget: number, options: ReadOptions): Promise<ElementBytes> {
  const { member, dataOffset } = array;
  if (elementsOf(array) * array.dtype.bytes <= budget) {
    const all = await readWhole(member, member.sizeBytes, options.signal);
    const read = async (into: Uint8Array, offset: number): Promise<void> =>
      into.set(all.subarray(dataOffset + offset, dataOffset + offset + into.length));
    return { read, close: async () => undefined };
  }
  if (member.deflated) return inflateToFile(array, options);
  await readThrough(array.member, options.signal);
  return fileElements(member.handle, member.offset + dataOffset, member.place, async () => undefined);
}

function fileElements(handle: FileHandle, base: number, place: string, close: () => Promise<void>): ElementBytes {
  return { read: (into, offset) => readExactly(handle, into, base + offset, place), close };
}

async function inflateToFile(array: StoredArray, { scratchFolder, signal }: ReadOptions): Promise<ElementBytes> {
  const folder = await mkdtemp(join(scratchFolder ?? tmpdir(), 'nextvec-inflate-'));
  const handle = await open(join(folder, 'array.npy'), 'w+');
  const close = async (): Promise<void> => {
    await handle.close();
    await rm(folder, { recursive: true, force: true });
  };
  const reader = new MemberReader(array.member, signal);
  try {
    const chunk = new Uint8Array(BLOCK_BYTES);
    for (let read = await reader.read(chunk); read > 0; read = await reader.read(chunk)) {
      await handle.writeFile(chunk.subarray(0, read));
    }
  } catch (error) {
    await close();
    throw error;
  } finally {
    await reader.close();
  }
  return fileElements(handle, array.dataOffset, array.place, close);
}
