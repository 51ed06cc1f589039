/** Writes float32 arrays as .npy and .npz (stored, not compressed) files of up to 4 GB, as numpy itself writes them. */
import { crc32 } from 'node:zlib';

export interface FloatArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const HEADER_ALIGNMENT = 64;
const PREFIX_BYTES = 10;

export function encodeNpy({ shape, data }: FloatArray): Uint8Array<ArrayBuffer> {
  const header = npyHeader('<f4', shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return file;
}

/** What stands before the elements. `descr`: numpy's name of the element type, e.g. `<f4`. */
export function npyHeader(descr: string, shape: readonly number[]): Buffer {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  const bytes = Math.ceil((PREFIX_BYTES + dict.length + 1) / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const header = Buffer.alloc(bytes, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(bytes - PREFIX_BYTES, 8);
  header.write(dict, PREFIX_BYTES, 'latin1');
  header.write('\n', bytes - 1);
  return header;
}

interface Entry {
  readonly name: Buffer;
  readonly crc: number;
  readonly bytes: number;
  readonly offset: number;
}

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const UTF8_NAMES = 0x0800;
const VERSION = 20;
/** 1 January 1980: equal arrays give equal files. */
const DOS_DATE = 0x0021;

/** Members in map order. */
export function encodeNpz(arrays: ReadonlyMap<string, FloatArray>): Uint8Array {
  const parts: Uint8Array[] = [];
  const entries: Entry[] = [];
  let offset = 0;
  for (const [key, array] of arrays) {
    const data = encodeNpy(array);
    const entry = { name: Buffer.from(`${key}.npy`), crc: crc32(data), bytes: data.length, offset };
    const header = localHeader(entry);
    parts.push(header, data);
    entries.push(entry);
    offset += header.length + data.length;
  }
  const directory = Buffer.concat(entries.map(centralHeader));
  parts.push(directory, endRecord(entries.length, directory.length, offset));
  return Buffer.concat(parts);
}

function localHeader({ name, crc, bytes }: Entry): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(UTF8_NAMES, 6);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(bytes, 18);
  header.writeUInt32LE(bytes, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function centralHeader({ name, crc, bytes, offset }: Entry): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(UTF8_NAMES, 8);
  header.writeUInt16LE(DOS_DATE, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(bytes, 20);
  header.writeUInt32LE(bytes, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function endRecord(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const record = Buffer.alloc(END_BYTES);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(count, 8);
  record.writeUInt16LE(count, 10);
  record.writeUInt32LE(directoryBytes, 12);
  record.writeUInt32LE(directoryOffset, 16);
  return record;
}
