/** `.wandb` files, whole and damaged. The fixture is written by wandb 0.31; smaller ones are framed here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readWandbFile, type WandbRecord } from '../../../src/main/formats/logs/wandb-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-wandb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'run-x.wandb');
const FIXTURE = 'tests/fixtures/histories/run-night.wandb';

const HEADER = Buffer.from(':W&B\xe1\xbe\0', 'latin1');
/** Record { run { display_name: "night" } } */
const RUN = Buffer.from('\x8a\x01\x07\x42\x05night', 'latin1');
/** Record { history { item { key: "a", integer: -3 } } }: a zigzag integer, as later versions may write one. */
const TYPED = Buffer.from('\x12\x07\x0a\x05\x0a\x01a\x28\x05', 'latin1');
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

function piece(type: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt32LE(crc32(data, crc32(Buffer.from([type]))));
  header.writeUInt16LE(data.length, 4);
  header[6] = type;
  return Buffer.concat([header, data]);
}

async function read(...parts: Uint8Array[]) {
  writeFileSync(path, Buffer.concat(parts));
  const records: WandbRecord[] = [];
  const truncatedAt = await readWandbFile(path, (record) => records.push(record));
  return { records, truncatedAt };
}

test('history, config and name of an offline run of two blocks', async () => {
  const records: WandbRecord[] = [];
  expect(await readWandbFile(FIXTURE, (record) => records.push(record))).toBeNull();
  expect(records.find(({ run }) => run)?.run?.displayName).toBe('lstm-night');
  const rows = records.flatMap(({ history }) => history ?? []);
  expect(rows).toHaveLength(4 * 26);
  expect(rows[25].item).toContainEqual({ nestedKey: ['val_cosine'], valueJson: '0.3' });
  expect(rows[25].step).toEqual({ num: 25 });
});

test('a record in pieces is put together, and an integer in a field of its own is read', async () => {
  const pieces = [piece(FIRST, RUN.subarray(0, 3)), piece(MIDDLE, RUN.subarray(3, 5)), piece(LAST, RUN.subarray(5))];
  const { records } = await read(HEADER, ...pieces, piece(WHOLE, TYPED));
  expect(records).toEqual([{ run: { displayName: 'night' } }, { history: { item: [{ key: 'a', integer: -3 }] } }]);
});

test('a typed 0 is a value', async () => {
  const zero = Buffer.from(TYPED);
  zero[zero.length - 1] = 0;
  const { records } = await read(HEADER, piece(WHOLE, zero));
  expect(records).toEqual([{ history: { item: [{ key: 'a', integer: 0 }] } }]);
});

test('the rest of a block that holds no header is passed over', async () => {
  // An unknown field that leaves four bytes of the block.
  const filler = piece(WHOLE, Buffer.concat([Buffer.from('\x9a\x06\xe9\xff\x01', 'latin1'), Buffer.alloc(32_745)]));
  const padding = Buffer.alloc(32_768 - HEADER.length - filler.length);
  expect(padding).toHaveLength(4);
  const { records } = await read(HEADER, filler, padding, piece(WHOLE, RUN));
  expect(records.at(-1)).toEqual({ run: { displayName: 'night' } });
});

test.each([1, 6, 10])('a last record without its last %d bytes is left out, and its place told', async (missing) => {
  const { records, truncatedAt } = await read(HEADER, piece(WHOLE, RUN), piece(WHOLE, TYPED).subarray(0, -missing));
  expect(records).toHaveLength(1);
  expect(truncatedAt).toBe(HEADER.length + 7 + RUN.length);
});

describe('is refused with the byte at fault', () => {
  const changed = piece(WHOLE, RUN);
  changed[changed.length - 1] ^= 1;
  test.each([
    ['another magic', [Buffer.from(':W&C\xe1\xbe\0', 'latin1')], 'ARCHIVE_DAMAGED', 'byte 0 does not begin with :W&B'],
    ['a changed byte', [HEADER, changed], 'CHECKSUM_MISMATCH', 'byte 7 does not match its checksum'],
    ['a middle piece without a first', [HEADER, piece(MIDDLE, RUN)], 'ARCHIVE_DAMAGED', 'byte 7 is out of order'],
    [
      'data that is no message',
      [HEADER, piece(WHOLE, Buffer.from([0x8a]))],
      'ARCHIVE_DAMAGED',
      'byte 7 is no W&B record',
    ],
  ])('%s', async (_what, parts, code, message) => {
    const refused = read(...parts);
    await expect(refused).rejects.toMatchObject({ code, details: { place: path } });
    await expect(refused).rejects.toThrow(message);
  });

  test('a length that leaves its block', async () => {
    const bytes = readFileSync(FIXTURE);
    bytes.writeUInt16LE(0xffff, 11);
    await expect(read(bytes)).rejects.toThrow('byte 7 leaves its block');
  });
});
