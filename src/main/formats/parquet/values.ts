/** Values of a Parquet page, decoded from their encodings: floats, integers or texts. */
import type { ParquetType } from 'hyparquet';
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { halvesToFloats } from '../columns/half.ts';
import type { Floats } from '../columns/narrow.ts';
import { readHybrid } from './levels.ts';
import type { LeafColumn, ValueKind } from './schema.ts';

/** Floats are float64 in columns of float64, so that numbers that float32 cannot hold are refused. */
export type Values = Floats | readonly string[];

/** Its message says what is not supported, for a person. */
export class UnsupportedPage extends Error {}

const NO_BYTES = new Uint8Array(0);
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** `count` values at the start of `bytes`. Throws RangeError for bytes that do not hold them. */
export function decodeValues(
  bytes: Uint8Array,
  encoding: string,
  count: number,
  leaf: LeafColumn,
  dictionary: Values | null,
): Values {
  const kind = kindOf(leaf);
  if (encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY') {
    if (!dictionary) throw new RangeError('a dictionary is missing');
    return lookUp(bytes, count, dictionary);
  }
  if (encoding === 'PLAIN') return decodePlain(bytes, count, leaf, kind);
  const { type, type_length: length } = leaf.element;
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  if (encoding === 'BYTE_STREAM_SPLIT' && kind !== 'texts') return unsplit(bytes, count, type, length);
  if (encoding === 'DELTA_BINARY_PACKED' && kind !== 'texts') {
    const values = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
    if (count > 0) deltaBinaryUnpack(reader, count, values);
    return Float64Array.from(values, Number);
  }
  const texts = Array.from({ length: count }, () => NO_BYTES);
  if (encoding === 'DELTA_LENGTH_BYTE_ARRAY' && kind === 'texts') deltaLengthByteArray(reader, count, texts);
  else if (encoding === 'DELTA_BYTE_ARRAY' && kind === 'texts') deltaByteArray(reader, count, texts);
  else throw new UnsupportedPage(`its values are encoded as ${encoding}`);
  return texts.map(textOf);
}

function kindOf({ kind }: LeafColumn): ValueKind {
  if (kind === null) throw new UnsupportedPage('its type is not read');
  return kind;
}

function lookUp(bytes: Uint8Array, count: number, dictionary: Values): Values {
  if (count === 0) return dictionary.slice(0, 0);
  const indices = readHybrid(bytes, 1, bytes[0], count).values;
  for (const index of indices)
    if (index >= dictionary.length) throw new RangeError('an index points outside the dictionary');
  if (Array.isArray(dictionary)) return Array.from(indices, (index) => dictionary[index] as string);
  const values = dictionary instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = Number(dictionary[indices[i]]);
  return values;
}

export function decodePlain(bytes: Uint8Array, count: number, leaf: LeafColumn, kind = kindOf(leaf)): Values {
  const { type, type_length: length = 0 } = leaf.element;
  if (kind === 'texts') {
    if (4 * count > bytes.length) throw new RangeError('the page ends too early');
    // A copy: texts of the page's own buffer only.
    const own = bytes.slice();
    const texts = readPlain({ view: new DataView(own.buffer), offset: 0 }, 'BYTE_ARRAY', count, undefined);
    return Array.from(texts, textOf);
  }
  const size = BYTES[type ?? 'INT96'] ?? length;
  if (size * count > bytes.length) throw new RangeError('the page ends too early');
  const { buffer } = bytes.slice(0, size * count);
  return numbers(buffer, type);
}

const BYTES: Partial<Record<ParquetType, number>> = { FLOAT: 4, DOUBLE: 8, INT32: 4, INT64: 8 };

function numbers(buffer: ArrayBuffer, type: ParquetType | undefined): Floats {
  switch (type) {
    case 'FLOAT':
      return new Float32Array(buffer);
    case 'DOUBLE':
      return new Float64Array(buffer);
    case 'INT32':
      return Float64Array.from(new Int32Array(buffer));
    case 'INT64':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    default:
      return halvesToFloats(new Uint16Array(buffer));
  }
}

function unsplit(bytes: Uint8Array, count: number, type: ParquetType | undefined, length: number | undefined): Floats {
  const size = BYTES[type ?? 'INT96'] ?? length ?? 0;
  if (size * count > bytes.length) throw new RangeError('the page ends too early');
  const plain = new Uint8Array(size * count);
  for (let b = 0; b < size; b++) for (let i = 0; i < count; i++) plain[i * size + b] = bytes[b * count + i];
  return numbers(plain.buffer, type);
}

function textOf(value: unknown): string {
  if (!(value instanceof Uint8Array)) throw new RangeError('a text is missing');
  return UTF8.decode(value);
}
