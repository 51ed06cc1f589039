/**
 * The safetensors file format for float32 tensors: eight bytes of header length, a JSON header, raw little-endian data.
 * A file is either read whole and right or refused with its place. Not here: which tensors a model has.
 */
import { NextvecError } from '#shared/domain/errors.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type Tensors = ReadonlyMap<string, Tensor>;
export type Metadata = Readonly<Record<string, string>>;

const LENGTH_BYTES = 8;
const ELEMENT_BYTES = 4;
const HEADER_ALIGNMENT = 8;
const MAX_HEADER_BYTES = 100 * 2 ** 20;
const METADATA_KEY = '__metadata__';

function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The whole file. Tensors lie in map order without gaps. */
export function encodeSafetensors(tensors: Tensors, metadata: Metadata = {}): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { [METADATA_KEY]: metadata } : {};
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (elements(shape) !== data.length) throw new Error(`${name}: shape [${shape}] is not ${data.length} elements`);
    const end = offset + data.byteLength;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
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

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Metadata;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Reads a whole file; `place` is what errors call it. Data is copied out. */
export function decodeSafetensors(file: Uint8Array, place: string): Safetensors {
  const headerBytes = readHeaderLength(file, place);
  const header = parseHeader(file.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes), place);
  const dataStart = LENGTH_BYTES + headerBytes;
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, value]) => readEntry(name, value, place))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) throw bad(place, name, `its data begins at byte ${begin}, expected ${covered}`);
    covered = end;
  }
  const dataBytes = file.length - dataStart;
  if (covered !== dataBytes) {
    throw bad(place, 'data', `the header describes ${covered} bytes, the file holds ${dataBytes}`);
  }
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, begin, end } of entries) {
    // Not file.slice(): of a Node Buffer that is a view, and its buffer the whole file.
    const data = new Float32Array(new Uint8Array(file.subarray(dataStart + begin, dataStart + end)).buffer);
    tensors.set(name, { shape, data });
  }
  return { tensors, metadata: readMetadata(header[METADATA_KEY], place) };
}

function bad(place: string, where: string, what: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `${place}: ${where}: ${what}.`, {
    remedy: 'The file is damaged or not a float32 safetensors file; use another checkpoint or an intact copy.',
    details: { place, where },
  });
}

function readHeaderLength(file: Uint8Array, place: string): number {
  if (file.length < LENGTH_BYTES) throw bad(place, 'header', `the file has ${file.length} bytes, fewer than 8`);
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, file.length - LENGTH_BYTES))) {
    throw bad(place, 'header', `its length is given as ${length} bytes, the file has ${file.length}`);
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array, place: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad(place, 'header', `it is not JSON (${cause instanceof Error ? cause.message : 'unreadable'})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw bad(place, 'header', 'it is not a JSON object');
  }
  return header as Record<string, unknown>;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function readEntry(name: string, value: unknown, place: string): Entry {
  if (typeof value !== 'object' || value === null) throw bad(place, name, 'its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (dtype !== 'F32') throw bad(place, name, `its type is ${JSON.stringify(dtype)}, only F32 is read`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw bad(place, name, 'its shape is not a list of counts');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw bad(place, name, 'its data_offsets are not two ascending byte positions');
  }
  const [begin, end] = offsets as [number, number];
  if (elements(shape) * ELEMENT_BYTES !== end - begin) {
    throw bad(place, name, `its shape [${shape.join(', ')}] does not fill ${end - begin} bytes`);
  }
  return { name, shape, begin, end };
}

function readMetadata(value: unknown, place: string): Metadata {
  if (value === undefined) return {};
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isPlain || !Object.values(value).every((text) => typeof text === 'string')) {
    throw bad(place, METADATA_KEY, 'it is not a map of texts');
  }
  return value as Metadata;
}
