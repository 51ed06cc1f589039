/** The tensors of a .safetensors file: its JSON header checked against the file. Data is read by `rows.ts`. */
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ArrayInfo } from './arrays.ts';
import { readExactly } from './bytes.ts';
import type { DType } from './npy/header.ts';

const MAX_HEADER_BYTES = 100 << 20;

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

const TensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)).max(32),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

export async function listTensors(handle: FileHandle, fileBytes: number, file: string): Promise<ArrayInfo[]> {
  const sizeField = new Uint8Array(8);
  if (fileBytes < 8) throw bad(file, 'it is too short');
  await readExactly(handle, sizeField, 0, file);
  const headerBytes = Number(Buffer.from(sizeField).readBigUInt64LE());
  if (headerBytes > Math.min(MAX_HEADER_BYTES, fileBytes - 8)) throw bad(file, 'the header is longer than the file');
  const header = new Uint8Array(headerBytes);
  await readExactly(handle, header, 8, file);
  const entries = parseHeader(header, file).filter(([name]) => name !== '__metadata__');
  const dataStart = 8 + headerBytes;
  return entries.map(([name, value]) => toArray(name, value, handle, dataStart, fileBytes, file));
}

function parseHeader(header: Uint8Array, file: string): [string, unknown][] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header).toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return Object.entries(parsed);
  } catch {
    // Said below.
  }
  throw bad(file, 'the header is not a JSON object');
}

function toArray(
  name: string,
  value: unknown,
  handle: FileHandle,
  dataStart: number,
  fileBytes: number,
  file: string,
): ArrayInfo {
  const place = `${file}: ${name}`;
  const parsed = TensorSchema.safeParse(value);
  if (!parsed.success) throw bad(place, 'its entry is not valid');
  const { dtype: label, shape, data_offsets } = parsed.data;
  const dtype = Object.hasOwn(DTYPES, label) ? DTYPES[label] : null;
  if (!dtype) throw new NextvecError('UNSUPPORTED_DTYPE', `${place}: the element type ${label} is not supported.`);
  const [begin, end] = data_offsets;
  const expected = shape.reduce((product, n) => product * n, 1) * dtype.bytes;
  if (end - begin !== expected) throw bad(place, `its shape needs ${expected} bytes and it has ${end - begin}`);
  if (dataStart + end > fileBytes) {
    throw new NextvecError('ARCHIVE_TRUNCATED', `${place}: the tensor lies beyond the end of the file.`, {
      remedy: 'Copy or download the file again; it was cut off.',
    });
  }
  const member = { place, name, handle, offset: dataStart + begin, storedBytes: expected, sizeBytes: expected };
  return {
    name,
    place,
    dtype,
    shape,
    fortran: false,
    dataOffset: 0,
    member: { ...member, deflated: false, crc32: null },
  };
}

function bad(place: string, why: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${place}: the safetensors header is wrong: ${why}.`, {
    remedy: 'Write the file anew.',
  });
}
