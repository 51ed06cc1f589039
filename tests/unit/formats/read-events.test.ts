/** Event files of TensorBoard, whole and damaged. The fixtures are written by its own RecordWriter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scalarsRecord, versionRecord } from '../../../src/main/formats/logs/event-file.ts';
import { readEvents } from '../../../src/main/formats/logs/read-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-events-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'events.out.tfevents.1.host');

type Scalar = [step: number, tag: string, value: number];

async function read(file: string) {
  const scalars: Scalar[] = [];
  const others: string[] = [];
  const visit = { scalar: (...scalar: Scalar) => scalars.push(scalar), other: (tag: string) => others.push(tag) };
  return { truncatedAt: await readEvents(file, visit), scalars, others };
}

const VERSION = versionRecord(1_700_000_000_000);
const FIRST = scalarsRecord(0, 1_700_000_000_000, [{ tag: 'lr', value: 0.5 }]);
const SECOND = scalarsRecord(2 ** 40, 1_700_000_000_000, [
  { tag: 'loss/train', value: -1.5 },
  { tag: 'loss/val', value: Number.NaN },
]);
const WHOLE = Buffer.concat([VERSION, FIRST, SECOND]);

async function readBytes(bytes: Uint8Array) {
  writeFileSync(path, bytes);
  return read(path);
}

test('the scalars that this program writes come back, with their steps', async () => {
  expect(await readBytes(WHOLE)).toEqual({
    truncatedAt: null,
    scalars: [
      [0, 'lr', 0.5],
      [2 ** 40, 'loss/train', -1.5],
      [2 ** 40, 'loss/val', Number.NaN],
    ],
    others: [],
  });
});

test('a simple value of 0 is a scalar', async () => {
  const zero = scalarsRecord(3, 1_700_000_000_000, [{ tag: 'lr', value: 0 }]);
  expect(await readBytes(Buffer.concat([VERSION, zero]))).toEqual({
    truncatedAt: null,
    scalars: [[3, 'lr', 0]],
    others: [],
  });
});

test('a simple value as PyTorch writes it, and a text that is no scalar', async () => {
  const { scalars, others } = await read('tests/fixtures/histories/torch/events.out.tfevents.1700000000.host');
  expect(scalars.slice(0, 2)).toEqual([
    [5, 'loss/train', Math.fround(1 / 1.5)],
    [5, 'lr', Math.fround(1e-3)],
  ]);
  expect(scalars).toHaveLength(48);
  expect(others).toEqual(['notes/text_summary']);
});

test('a tensor with one number as TensorFlow 2 writes it', async () => {
  const { scalars } = await read('tests/fixtures/histories/keras/train/events.out.tfevents.1700000000.host.v2');
  expect(scalars.map(([step, tag]) => `${tag} ${step}`)).toEqual([0, 1, 2, 3].map((step) => `epoch_loss ${step}`));
});

test.each([
  ['its header', WHOLE.length - SECOND.length + 5],
  ['its data', WHOLE.length - 9],
  ['its checksum', WHOLE.length - 1],
])('a last record that ends within %s is left out, and its place told', async (_place, end) => {
  const { scalars, truncatedAt } = await readBytes(WHOLE.subarray(0, end));
  expect(scalars).toEqual([[0, 'lr', 0.5]]);
  expect(truncatedAt).toBe(VERSION.length + FIRST.length);
});

describe('is refused with the byte at fault', () => {
  test.each([
    ['a changed value', FIRST.length - 5, 'the record'],
    ['a changed length', 0, 'the length of the record'],
  ])('%s', async (_what, offset, place) => {
    const bytes = Buffer.from(WHOLE);
    bytes[VERSION.length + offset] ^= 1;
    await expect(readBytes(bytes)).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message: `${path}: ${place} at byte ${VERSION.length} does not match its checksum.`,
      details: { place: path },
    });
  });

  test('a file that is none', async () => {
    await expect(readBytes(readFileSync('package.json'))).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });
});
