/**
 * The safetensors file format: eight bytes of header length, a JSON header, raw little-endian data. The header is checked
 * against the file before any data is read: names are unique, and the tensors fill the data without gap or overlap.
 * Not here: which tensors a model has.
 */
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { NextvecError, isNextvecError, type ErrorCode } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import type { StoredArray } from './columns/stored-array.ts';
import { readExactly } from './files/bytes.ts';
import type { DType } from './npy/header.ts';
import { repeatedKey } from './files/repeated-key.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type Tensors = ReadonlyMap<string, Tensor>;
/** Tensors of the types that the state of a fit has. */
export type TypedArrays = ReadonlyMap<string, Float32Array | Float64Array | Uint32Array>;
export type Metadata = Readonly<Record<string, string>>;

const LENGTH_BYTES = 8;
const HEADER_ALIGNMENT = 8;
/** Far beyond the header of any model here: about 100 bytes a tensor. */
const MAX_HEADER_BYTES = 4 << 20;
const MAX_TENSORS = 10_000;
const METADATA_KEY = '__metadata__';

const DTYPES: Readonly<Record<string, DType>> = {
  F16: { kind: 'f', bytes: 2, littleEndian: true, label: 'float16' },
  BF16: { kind: 'bf', bytes: 2, littleEndian: true, label: 'bfloat16' },
  F32: { kind: 'f', bytes: 4, littleEndian: true, label: 'float32' },
  F64: { kind: 'f', bytes: 8, littleEndian: true, label: 'float64' },
  I8: { kind: 'i', bytes: 1, littleEndian: true, label: 'int8' },
  I16: { kind: 'i', bytes: 2, littleEndian: true, label: 'int16' },
  I32: { kind: 'i', bytes: 4, littleEndian: true, label: 'int32' },
  I64: { kind: 'i', bytes: 8, littleEndian: true, label: 'int64' },
  U8: { kind: 'u', bytes: 1, littleEndian: true, label: 'uint8' },
  U16: { kind: 'u', bytes: 2, littleEndian: true, label: 'uint16' },
  U32: { kind: 'u', bytes: 4, littleEndian: true, label: 'uint32' },
  U64: { kind: 'u', bytes: 8, littleEndian: true, label: 'uint64' },
  BOOL: { kind: 'b', bytes: 1, littleEndian: true, label: 'bool' },
};

const SizeSchema = z.int().min(0);
const EntrySchema = z.object({
  dtype: z.string().max(32),
  shape: z.array(SizeSchema).max(32),
  data_offsets: z.tuple([SizeSchema, SizeSchema]),
});
const MetadataSchema = z.record(z.string(), z.string());

/** The whole file. Tensors lie in map order without gaps. */
export function encodeSafetensors(tensors: Tensors, metadata: Metadata = {}): Uint8Array<ArrayBuffer> {
  return encode(tensors, metadata);
}

/** Arrays of one dimension; `decodeArrays` reads them back. */
export function encodeArrays(arrays: TypedArrays, metadata: Metadata = {}): Uint8Array<ArrayBuffer> {
  return encode(new Map([...arrays].map(([name, data]) => [name, { shape: [data.length], data }])), metadata);
}

interface AnyTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint32Array;
}

function dtypeOf(data: AnyTensor['data']): keyof typeof ARRAYS {
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Uint32Array ? 'U32' : 'F32';
}

function encode(tensors: ReadonlyMap<string, AnyTensor>, metadata: Metadata): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA_KEY, metadata]] : [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (elements(shape) !== data.length) throw new Error(`${name}: shape [${shape}] is not ${data.length} elements`);
    const end = offset + data.byteLength;
    entries.push([name, { dtype: dtypeOf(data), shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + offset).fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

interface Header {
  /** In the order of their data. */
  readonly entries: readonly Entry[];
  readonly metadata: Metadata;
}

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Metadata;
}

/** Reads a file of float32 tensors; `place` is what errors call it. Data is copied out. Throws BAD_CHECKPOINT. */
export function decodeSafetensors(file: Uint8Array, place: string): Safetensors {
  const tensors = new Map<string, Tensor>();
  const metadata = decode(file, place, ({ name, dtype, shape }, bytes) => {
    if (dtype !== DTYPES.F32) throw bad(place, `${shortText(name)} is ${dtype.label}, only float32 is read`);
    tensors.set(name, { shape, data: new Float32Array(bytes) });
  });
  return { tensors, metadata };
}

const ARRAYS = { F32: Float32Array, F64: Float64Array, U32: Uint32Array } as const;

/** Reads what `encodeArrays` wrote. Throws BAD_CHECKPOINT. */
export function decodeArrays(file: Uint8Array, place: string): { arrays: TypedArrays; metadata: Metadata } {
  const arrays = new Map<string, Float32Array | Float64Array | Uint32Array>();
  const metadata = decode(file, place, ({ name, dtype }, bytes) => {
    const type = (['F32', 'F64', 'U32'] as const).find((key) => dtype === DTYPES[key]);
    if (!type) throw bad(place, `${shortText(name)} is ${dtype.label}, which no fit has`);
    arrays.set(name, new ARRAYS[type](bytes));
  });
  return { arrays, metadata };
}

/** Gives `visit` each tensor with a copy of its data; returns the metadata. */
function decode(file: Uint8Array, place: string, visit: (entry: Entry, bytes: ArrayBuffer) => void): Metadata {
  try {
    const headerBytes = headerLength(file.subarray(0, LENGTH_BYTES), file.length, place);
    const dataStart = LENGTH_BYTES + headerBytes;
    const { entries, metadata } = parseHeader(file.subarray(LENGTH_BYTES, dataStart), file.length - dataStart, place);
    for (const entry of entries) {
      // Not file.slice(): of a Node Buffer that is a view, and its buffer the whole file.
      visit(entry, new Uint8Array(file.subarray(dataStart + entry.begin, dataStart + entry.end)).buffer);
    }
    return metadata;
  } catch (error) {
    if (!isNextvecError(error)) throw error;
    throw new NextvecError('BAD_CHECKPOINT', error.message, {
      remedy: 'The file is damaged or not a float32 safetensors file; use another checkpoint or an intact copy.',
      details: { place },
      cause: error,
    });
  }
}

/** Whether a file begins as safetensors do: a length that fits, then the brace that opens the header. */
export async function looksLikeSafetensors(handle: FileHandle, fileBytes: number): Promise<boolean> {
  if (fileBytes <= LENGTH_BYTES) return false;
  const start = Buffer.alloc(LENGTH_BYTES + 1);
  await handle.read(start, 0, start.length, 0);
  return start.readBigUInt64LE() < 2n ** 40n && start[LENGTH_BYTES] === 0x7b;
}

/** The tensors of a file, in the order of their data, as arrays that can be read. Reads the header only. */
export async function listTensors(handle: FileHandle, fileBytes: number, file: string): Promise<StoredArray[]> {
  const sizeField = new Uint8Array(Math.min(LENGTH_BYTES, fileBytes));
  await readExactly(handle, sizeField, 0, file);
  const header = new Uint8Array(headerLength(sizeField, fileBytes, file));
  await readExactly(handle, header, LENGTH_BYTES, file);
  const dataStart = LENGTH_BYTES + header.length;
  const { entries } = parseHeader(header, fileBytes - dataStart, file);
  return entries.map(({ name, dtype, shape, begin, end }) => {
    const place = `${file}: ${shortText(name)}`;
    const sizes = { offset: dataStart + begin, storedBytes: end - begin, sizeBytes: end - begin };
    const member = { place, name, handle, ...sizes, deflated: false, crc32: null };
    return { name, place, dtype, shape, fortran: false, dataOffset: 0, member };
  });
}

function headerLength(sizeField: Uint8Array, fileBytes: number, place: string): number {
  if (fileBytes < LENGTH_BYTES) throw bad(place, `the file has ${fileBytes} bytes, fewer than 8`);
  const length = new DataView(sizeField.buffer, sizeField.byteOffset).getBigUint64(0, true);
  if (length > BigInt(fileBytes - LENGTH_BYTES)) {
    throw bad(place, `its length is given as ${length} bytes, the file has ${fileBytes}`, 'ARCHIVE_TRUNCATED');
  }
  if (length > MAX_HEADER_BYTES) throw bad(place, `it has ${length} bytes; at most ${MAX_HEADER_BYTES} are read`);
  return Number(length);
}

/** Throws HEADER_MISMATCH, or ARCHIVE_TRUNCATED where the data ends too early. */
function parseHeader(json: Uint8Array, dataBytes: number, place: string): Header {
  const { [METADATA_KEY]: metadata, ...named } = parseObject(json, place);
  const names = Object.keys(named);
  if (names.length > MAX_TENSORS) throw bad(place, `it names ${names.length} tensors; at most ${MAX_TENSORS} are read`);
  const entries = names
    .map((name) => toEntry(name, named[name], place))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered)
      throw bad(place, `the data of ${shortText(name)} begins at byte ${begin}, expected ${covered}`);
    covered = end;
  }
  if (covered !== dataBytes) {
    const code = covered > dataBytes ? 'ARCHIVE_TRUNCATED' : 'HEADER_MISMATCH';
    throw bad(place, `it describes ${covered} bytes of data, the file holds ${dataBytes}`, code);
  }
  const texts = MetadataSchema.safeParse(metadata ?? {});
  if (!texts.success) throw bad(place, `${METADATA_KEY} is not a map of texts`);
  return { entries, metadata: texts.data };
}

function parseObject(json: Uint8Array, place: string): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    value = JSON.parse(text);
  } catch {
    throw bad(place, 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(place, 'it is not a JSON object');
  const repeated = repeatedKey(text);
  if (repeated !== null) throw bad(place, `${JSON.stringify(shortText(repeated))} stands in it twice`);
  return Object.fromEntries(Object.entries(value));
}

function toEntry(name: string, value: unknown, place: string): Entry {
  const parsed = EntrySchema.safeParse(value);
  if (!parsed.success) {
    const [key] = parsed.error.issues[0].path;
    throw bad(place, `the entry of ${shortText(name)} is not valid${key === undefined ? '' : ` (${String(key)})`}`);
  }
  const { dtype: label, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  if (begin > end) throw bad(place, `the data_offsets of ${shortText(name)} do not ascend`);
  const dtype: DType = Object.hasOwn(DTYPES, label)
    ? DTYPES[label]
    : { kind: 'other', bytes: 0, littleEndian: true, label };
  if (dtype.bytes > 0 && elements(shape) * dtype.bytes !== end - begin) {
    throw bad(place, `the shape [${shape.join(', ')}] of ${shortText(name)} does not fill ${end - begin} bytes`);
  }
  return { name, dtype, shape, begin, end };
}

function bad(place: string, why: string, code: ErrorCode = 'HEADER_MISMATCH'): NextvecError {
  return new NextvecError(code, `${place}: the safetensors header is wrong: ${why}.`, {
    remedy: code === 'ARCHIVE_TRUNCATED' ? 'Copy or download the file again; it was cut off.' : 'Write the file anew.',
  });
}
