/** A data set of an HDF5 file as rows of floats, integers or texts. R rows, W elements a row (all axes but the first). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Metadata } from 'h5wasm';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { columnOf } from '../columns/column.ts';
import { halvesToFloats } from '../columns/half.ts';
import { elementPlace, toFloat32, type Floats } from '../columns/narrow.ts';
import {
  refuseImplausibleRatio,
  rowLength,
  type Column,
  type ReadOptions,
  type RowBlock,
  type Text,
} from '../columns/table.ts';
import { byteText } from '../columns/texts.ts';
import { notAnInteger } from '../columns/value-errors.ts';
import { hdf5Error } from './errors.ts';
import type { Hdf5File, Part } from './library.ts';

export interface Hdf5Source {
  readonly library: Hdf5File;
  readonly file: string;
  readonly fileBytes: number;
}

interface Source extends Hdf5Source {
  readonly name: string;
  readonly place: string;
  readonly metadata: Metadata;
  readonly shape: readonly number[];
}

/** Classes of types, as the library numbers them. */
const [INTEGER, FLOAT, STRING] = [0, 1, 3];
const CLASS_NAMES: Readonly<Record<number, string>> = {
  2: 'time',
  4: 'bit field',
  5: 'opaque',
  6: 'compound',
  7: 'reference',
  8: 'enum',
  9: 'lists of different lengths',
  10: 'array',
};
const BLOCK_BYTES = 2 << 20;
/** A chunk is decompressed whole. */
const MAX_CHUNK_BYTES = 512 << 20;
const TEXTS_AT_ONCE = 4096;

export function hdf5Column(hdf5: Hdf5Source, name: string): Column {
  const place = `${hdf5.file}: ${name}`;
  const metadata = guarded(place, () => hdf5.library.metadata(name));
  const shape = metadata.shape ?? [0];
  const source = { ...hdf5, name, place, metadata, shape };
  refuseUnreadable(source);
  const bytes = shape.reduce((product, n) => product * n, metadata.size);
  // The library does not say how much space a data set takes.
  const facts = { name, place, dtype: label(metadata), shape, bytes, storedBytes: Math.min(bytes, hdf5.fileBytes) };
  const rows = (options?: ReadOptions) => readRows(source, options);
  const integers = (options?: ReadOptions) => readIntegers(source, facts, options);
  const { type, size } = metadata;
  if (type === FLOAT && [2, 4, 8].includes(size)) return columnOf(facts, { rows, integers });
  if (type === INTEGER && [1, 2, 4, 8].includes(size)) return columnOf(facts, { integers });
  if (type === STRING) return columnOf(facts, { texts: (options) => readTexts(source, facts, options) });
  return columnOf(facts, {});
}

function label({ type, size, signed }: Metadata): string {
  if (type === STRING) return 'text';
  if (type === FLOAT) return `float${size * 8}`;
  return type === INTEGER ? `${signed ? '' : 'u'}int${size * 8}` : (CLASS_NAMES[type] ?? 'unknown');
}

function refuseUnreadable({ metadata, place }: Source): void {
  const { virtual_sources: virtual, chunks, size } = metadata;
  const refuse = (why: string, remedy: string): never => {
    throw new NextvecError('ARCHIVE_UNSUPPORTED', `${place}: ${why}.`, { remedy });
  };
  // Of sources that are missing the library reads zeros.
  if (virtual) refuse('it is virtual: its values lie in other files', 'Copy the data set into this file with h5py.');
  const chunkBytes = (chunks ?? []).reduce((product, n) => product * n, size);
  if (chunks && chunkBytes > MAX_CHUNK_BYTES) {
    refuse(`its chunks have ${chunkBytes} bytes, more than ${MAX_CHUNK_BYTES}`, 'Write it with smaller chunks.');
  }
}

function guarded<T>(place: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw hdf5Error(error, place);
  }
}

/** Parts of whole rows, and of whole chunks where it has chunks, each of which would otherwise be decompressed several times. */
function* partsOf({ shape, metadata }: Source, wantedRows: number): Generator<Part> {
  const [R, ...axes] = shape.length === 0 ? [1] : shape;
  const chunkRows = metadata.chunks?.[0] ?? 1;
  const rows = Math.max(1, chunkRows * Math.max(1, Math.floor(wantedRows / chunkRows)));
  for (let first = 0; first < R; first += rows) {
    if (shape.length === 0) yield { offset: [], count: [] };
    else yield { offset: [first, ...axes.map(() => 0)], count: [Math.min(rows, R - first), ...axes] };
  }
}

async function* readRows(source: Source, { signal, blockBytes }: ReadOptions = {}): AsyncGenerator<RowBlock, void> {
  const { library, name, place, metadata } = source;
  const W = rowLength(source);
  const { size } = metadata;
  for (const part of partsOf(source, Math.floor((blockBytes ?? BLOCK_BYTES) / (W * size)))) {
    throwIfCancelled(signal, 'Reading');
    const { buffer } = guarded(place, () => library.bytes(name, part, size));
    const [firstRow = 0] = part.offset;
    const [rows = 1] = part.count;
    const values = toFloat32(floatsOf(buffer, size), (i) => elementPlace(place, firstRow * W + i, W));
    yield { firstRow, rows, values };
    await nextTurn();
  }
}

function floatsOf(buffer: ArrayBuffer, size: number): Floats {
  if (size === 8) return new Float64Array(buffer);
  return size === 4 ? new Float32Array(buffer) : halvesToFloats(new Uint16Array(buffer));
}

async function readIntegers(
  source: Source,
  facts: Pick<Column, 'place' | 'bytes' | 'storedBytes'>,
  { signal }: ReadOptions = {},
): Promise<Float64Array> {
  refuseImplausibleRatio(facts);
  const { library, name, place, metadata, shape } = source;
  const { size, type, signed } = metadata;
  const values = new Float64Array(shape.reduce((product, n) => product * n, 1));
  let done = 0;
  for (const part of partsOf(source, Math.floor(BLOCK_BYTES / (rowLength(source) * size)))) {
    throwIfCancelled(signal, 'Reading');
    const { buffer } = guarded(place, () => library.bytes(name, part, size));
    const block = type === FLOAT ? floatsOf(buffer, size) : integersOf(buffer, size, signed);
    values.set(block, done);
    for (let i = done; i < done + block.length; i++) {
      if (Number.isSafeInteger(values[i])) continue;
      throw notAnInteger(`${place}: element ${i}`, values[i]);
    }
    done += block.length;
    await nextTurn();
  }
  return values;
}

function integersOf(buffer: ArrayBuffer, size: number, signed: boolean): ArrayLike<number> {
  switch (size) {
    case 1:
      return signed ? new Int8Array(buffer) : new Uint8Array(buffer);
    case 2:
      return signed ? new Int16Array(buffer) : new Uint16Array(buffer);
    case 4:
      return signed ? new Int32Array(buffer) : new Uint32Array(buffer);
    default:
      return Float64Array.from(signed ? new BigInt64Array(buffer) : new BigUint64Array(buffer), Number);
  }
}

async function* readTexts(
  source: Source,
  facts: Pick<Column, 'place' | 'bytes' | 'storedBytes'>,
  { signal }: ReadOptions = {},
): AsyncGenerator<readonly Text[], void> {
  refuseImplausibleRatio(facts);
  const { library, name, place, metadata } = source;
  const { size, vlen } = metadata;
  const textsAtOnce = vlen ? TEXTS_AT_ONCE : Math.max(1, Math.floor(BLOCK_BYTES / size));
  for (const part of partsOf(source, Math.floor(textsAtOnce / rowLength(source)))) {
    throwIfCancelled(signal, 'Reading');
    if (vlen) yield guarded(place, () => library.texts(name, part));
    else {
      const bytes = Buffer.from(guarded(place, () => library.bytes(name, part, size)).buffer);
      const count = bytes.length / size;
      yield Array.from({ length: count }, (_, i) => fixedText(bytes.subarray(i * size, (i + 1) * size)));
    }
    await nextTurn();
  }
}

/** Padded with zeros, or with blanks as Fortran does. */
function fixedText(bytes: Buffer): string {
  return byteText(bytes).trimEnd();
}
