/**
 * Writes event files as TensorBoard reads them: TFRecords (length, data, CRC-32C of each) of `tensorflow.Event` messages.
 * https://www.tensorflow.org/tutorials/load_data/tfrecord, tensorflow/core/util/event.proto.
 * Reading them: read-events.ts.
 */
import { maskedCrc32c } from './crc32c.ts';

/** Keys of protocol buffer fields: number · 8 + wire type (0 varint, 1 eight bytes, 2 length first, 5 four bytes). */
const EVENT_WALL_TIME = 0x09;
const EVENT_STEP = 0x10;
const EVENT_FILE_VERSION = 0x1a;
const EVENT_SUMMARY = 0x2a;
const SUMMARY_VALUE = 0x0a;
const VALUE_TAG = 0x0a;
const VALUE_SIMPLE = 0x15;

const FLOAT_BYTES = 4;

const FILE_VERSION = 'brain.Event:2';

export interface Scalar {
  readonly tag: string;
  readonly value: number;
}

/** The record that a file begins with. `atMs`: milliseconds since 1970. */
export function versionRecord(atMs: number): Buffer {
  return record(Buffer.concat([wallTime(atMs), field(EVENT_FILE_VERSION, Buffer.from(FILE_VERSION))]));
}

/** All scalars of one step. */
export function scalarsRecord(step: number, atMs: number, scalars: readonly Scalar[]): Buffer {
  const values = scalars.map(({ tag, value }) => {
    const bytes = Buffer.from(zeroOf(tag));
    bytes.writeFloatLE(value, bytes.length - FLOAT_BYTES);
    return bytes;
  });
  const event = [wallTime(atMs), Buffer.from([EVENT_STEP]), varint(step), field(EVENT_SUMMARY, Buffer.concat(values))];
  return record(Buffer.concat(event));
}

const zeros = new Map<string, Buffer>();

/** The summary value of a tag with the float 0 as its last four bytes. A run has few tags and many steps, so it is kept. */
function zeroOf(tag: string): Buffer {
  let bytes = zeros.get(tag);
  if (!bytes) {
    const simple = Buffer.concat([Buffer.from([VALUE_SIMPLE]), Buffer.alloc(FLOAT_BYTES)]);
    bytes = field(SUMMARY_VALUE, Buffer.concat([field(VALUE_TAG, Buffer.from(tag)), simple]));
    zeros.set(tag, bytes);
  }
  return bytes;
}

function wallTime(atMs: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = EVENT_WALL_TIME;
  bytes.writeDoubleLE(atMs / 1000, 1);
  return bytes;
}

function field(key: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([key]), varint(content.length), content]);
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

function checksum(data: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(maskedCrc32c(data));
  return bytes;
}
