/**
 * Reads the `.wandb` file of an offline run of Weights & Biases: a log in the framing of LevelDB (blocks of 32 KiB; records
 * cut into pieces with checksum, length and type) of `wandb_internal.Record` messages. Values are read as JSON, never run.
 */
import { crc32 } from 'node:zlib';
import protobuf from 'protobufjs/light.js';
import { NextvecError } from '#shared/domain/errors.ts';
import { readRegularFile } from '../files/regular-file.ts';

const MAX_WANDB_BYTES = 256 * 2 ** 20;

const MAGIC = ':W&B';
/** Magic, 0xBEE1, version 0. */
const FILE_HEADER_BYTES = 7;
const BLOCK_BYTES = 32_768;
/** CRC-32 of type and data (4 bytes), length of the data (2), type (1). */
const PIECE_HEADER_BYTES = 7;
const WHOLE = 1;
const FIRST = 2;
const LAST = 4;

/** Field numbers of wandb_internal.proto (0.13 to 0.31); other fields are skipped. */
const SCHEMA = {
  nested: {
    Record: {
      fields: {
        history: { type: 'History', id: 2 },
        config: { type: 'Config', id: 5 },
        run: { type: 'Run', id: 17 },
      },
    },
    History: { fields: { item: { rule: 'repeated', type: 'Item', id: 1 }, step: { type: 'Step', id: 2 } } },
    Step: { fields: { num: { type: 'int64', id: 1 } } },
    Config: { fields: { update: { rule: 'repeated', type: 'Item', id: 1 } } },
    Run: { fields: { config: { type: 'Config', id: 4 }, displayName: { type: 'string', id: 8 } } },
    Item: {
      // A member of a oneof is kept where it is 0.
      oneofs: { value: { oneof: ['integer', 'number', 'valueJson'] } },
      fields: {
        key: { type: 'string', id: 1 },
        nestedKey: { rule: 'repeated', type: 'string', id: 2 },
        integer: { type: 'sint64', id: 5 },
        number: { type: 'double', id: 6 },
        valueJson: { type: 'string', id: 16 },
      },
    },
  },
};
const recordType = protobuf.Root.fromJSON(SCHEMA).lookupType('Record');

/** A value of the history or of the config. `key` or, of a nested value, `nestedKey`; one of the others, or none. */
export interface WandbItem {
  readonly key?: string;
  readonly nestedKey?: readonly string[];
  readonly integer?: number;
  readonly number?: number;
  readonly valueJson?: string;
}

export interface WandbRecord {
  readonly history?: { readonly item?: readonly WandbItem[]; readonly step?: { readonly num?: number } };
  readonly config?: { readonly update?: readonly WandbItem[] };
  readonly run?: { readonly config?: { readonly update?: readonly WandbItem[] }; readonly displayName?: string };
}

export function looksLikeWandb(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, MAGIC.length)).toString('latin1') === MAGIC;
}

/**
 * Calls `visit` with every record, in the order of the file. Resolves to the byte at which the last record, not whole, begins;
 * null: the file ends with a whole one. Throws CHECKSUM_MISMATCH or ARCHIVE_DAMAGED with file and byte offset, OUT_OF_RANGE
 * for a file above 256 MiB, and as `readRegularFile`.
 */
export async function readWandbFile(path: string, visit: (record: WandbRecord) => void): Promise<number | null> {
  const bytes = await readRegularFile(path, MAX_WANDB_BYTES);
  if (!looksLikeWandb(bytes)) throw damaged(path, 0, 'does not begin with :W&B');
  let at = FILE_HEADER_BYTES;
  while (at < bytes.length) {
    const found = recordAt(bytes, at, path);
    if (found === null) return at;
    visit(decode(found.data, at, path));
    at = found.end;
  }
  return null;
}

/** The pieces of one record together, and the byte after it; null: the file ends before it does. */
function recordAt(bytes: Buffer, start: number, path: string): { readonly data: Buffer; readonly end: number } | null {
  const pieces: Buffer[] = [];
  let at = start;
  for (;;) {
    // A rest that holds no header is filled with zeros.
    const rest = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (rest < PIECE_HEADER_BYTES) at += rest;
    if (at + PIECE_HEADER_BYTES > bytes.length) return null;
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6];
    const dataAt = at + PIECE_HEADER_BYTES;
    if ((at % BLOCK_BYTES) + PIECE_HEADER_BYTES + length > BLOCK_BYTES) throw damaged(path, at, 'leaves its block');
    if (dataAt + length > bytes.length) return null;
    if (bytes.readUInt32LE(at) !== crc32(bytes.subarray(at + 6, dataAt + length))) throw wrongChecksum(path, at);
    const isStart = type === WHOLE || type === FIRST;
    if (type < WHOLE || type > LAST || isStart !== (pieces.length === 0)) throw damaged(path, at, 'is out of order');
    pieces.push(bytes.subarray(dataAt, dataAt + length));
    at = dataAt + length;
    if (type === WHOLE || type === LAST)
      return { data: pieces.length === 1 ? pieces[0] : Buffer.concat(pieces), end: at };
  }
}

function decode(data: Buffer, at: number, path: string): WandbRecord {
  try {
    return recordType.toObject(recordType.decode(data), { longs: Number });
  } catch (cause) {
    throw damaged(path, at, 'is no W&B record', cause);
  }
}

const REMEDY = 'The file is damaged: copy it again from where the run was logged.';

function damaged(path: string, at: number, what: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${path}: the record at byte ${at} ${what}.`, {
    remedy: REMEDY,
    details: { place: path },
    cause,
  });
}

function wrongChecksum(path: string, at: number): NextvecError {
  return new NextvecError('CHECKSUM_MISMATCH', `${path}: the record at byte ${at} does not match its checksum.`, {
    remedy: REMEDY,
    details: { place: path },
  });
}
