/**
 * Reads the scalars of an event file of TensorBoard, written by any program: TFRecords of `tensorflow.Event`. A scalar is
 * a `simple_value` (PyTorch) or a tensor with one number (TensorFlow 2). Writing such files: event-file.ts.
 */
import protobuf from 'protobufjs/light.js';
import { NextvecError } from '#shared/domain/errors.ts';
import { maskedCrc32c } from './crc32c.ts';
import { readRegularFile } from '../files/regular-file.ts';

/** Scalars take some 50 bytes each; images and graphs make a file larger. */
const MAX_EVENT_BYTES = 256 * 2 ** 20;

/** Length of the data (8 bytes) and its checksum (4). */
const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 4;

/** Field numbers of event.proto, summary.proto and tensor.proto; other fields are skipped. */
const SCHEMA = {
  nested: {
    Event: { fields: { step: { type: 'int64', id: 2 }, summary: { type: 'Summary', id: 5 } } },
    Summary: { fields: { value: { rule: 'repeated', type: 'Value', id: 1 } } },
    Value: {
      // A member of a oneof is kept where it is 0.
      oneofs: { value: { oneof: ['simpleValue', 'tensor'] } },
      fields: {
        tag: { type: 'string', id: 1 },
        simpleValue: { type: 'float', id: 2 },
        tensor: { type: 'Tensor', id: 8 },
      },
    },
    Tensor: {
      fields: {
        dtype: { type: 'int32', id: 1 },
        content: { type: 'bytes', id: 4 },
        floats: { rule: 'repeated', type: 'float', id: 5 },
        doubles: { rule: 'repeated', type: 'double', id: 6 },
      },
    },
  },
};
const eventType = protobuf.Root.fromJSON(SCHEMA).lookupType('Event');

const FLOAT = 1;
const DOUBLE = 2;

interface Tensor {
  readonly dtype?: number;
  readonly content?: Uint8Array;
  readonly floats?: readonly number[];
  readonly doubles?: readonly number[];
}

interface EventMessage {
  readonly step?: number;
  readonly summary?: {
    readonly value?: readonly { readonly tag?: string; readonly simpleValue?: number; readonly tensor?: Tensor }[];
  };
}

export interface EventVisitor {
  scalar(step: number, tag: string, value: number): void;
  /** An image, histogram, text or other summary that is no scalar. */
  other(tag: string): void;
}

/** Whether a file that begins so is an event file: the length of its first record has the right checksum. */
export function looksLikeEvents(head: Buffer): boolean {
  return head.length >= HEADER_BYTES && head.readUInt32LE(8) === maskedCrc32c(head.subarray(0, 8));
}

/**
 * Calls `visit` with every summary value, in the order of the file. Resolves to the byte at which the last record, not whole, begins;
 * null: the file ends with a whole one. Throws CHECKSUM_MISMATCH or ARCHIVE_DAMAGED with file and byte offset, OUT_OF_RANGE
 * for a file above 256 MiB, and as `readRegularFile`.
 */
export async function readEvents(path: string, visit: EventVisitor): Promise<number | null> {
  const bytes = await readRegularFile(path, MAX_EVENT_BYTES);
  let at = 0;
  while (at < bytes.length) {
    const record = recordAt(bytes, at, path);
    if (record === null) return at;
    const { step = 0, summary } = decode(record, at, path);
    for (const { tag = '', simpleValue, tensor } of summary?.value ?? []) {
      const value = simpleValue ?? (tensor ? scalarOf(tensor) : null);
      if (value === null) visit.other(tag);
      else visit.scalar(step, tag, value);
    }
    at += HEADER_BYTES + record.length + CHECKSUM_BYTES;
  }
  return null;
}

/** The data of the record at this byte; null: the file ends before it does. */
function recordAt(bytes: Buffer, at: number, path: string): Buffer | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const length = bytes.subarray(at, at + 8);
  if (bytes.readUInt32LE(at + 8) !== maskedCrc32c(length)) throw wrongChecksum(path, at, 'length of the record');
  const end = at + HEADER_BYTES + Number(length.readBigUInt64LE());
  if (end + CHECKSUM_BYTES > bytes.length) return null;
  const data = bytes.subarray(at + HEADER_BYTES, end);
  if (bytes.readUInt32LE(end) !== maskedCrc32c(data)) throw wrongChecksum(path, at, 'record');
  return data;
}

function decode(record: Buffer, at: number, path: string): EventMessage {
  try {
    return eventType.toObject(eventType.decode(record), { longs: Number });
  } catch (cause) {
    throw new NextvecError('ARCHIVE_DAMAGED', `${path}: the record at byte ${at} is no TensorBoard event.`, {
      remedy: 'Copy the file again, or choose another event file.',
      details: { place: path },
      cause,
    });
  }
}

function wrongChecksum(path: string, at: number, what: string): NextvecError {
  return new NextvecError('CHECKSUM_MISMATCH', `${path}: the ${what} at byte ${at} does not match its checksum.`, {
    remedy: 'The file is damaged, or no event file: copy it again from where it was written.',
    details: { place: path },
  });
}

/** The one number of a float tensor; null: it is something else. */
function scalarOf({ dtype, content, floats = [], doubles = [] }: Tensor): number | null {
  if (dtype !== FLOAT && dtype !== DOUBLE) return null;
  const values = dtype === FLOAT ? floats : doubles;
  if (values.length === 1) return values[0];
  const size = dtype === FLOAT ? 4 : 8;
  if (content?.length !== size) return null;
  const view = new DataView(content.buffer, content.byteOffset, size);
  return dtype === FLOAT ? view.getFloat32(0, true) : view.getFloat64(0, true);
}
