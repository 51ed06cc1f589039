/** Object arrays (pickles inside .npy) as records: dicts of which the wanted fields are taken. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import type { StoredArray } from '../columns/stored-array.ts';
import { readWhole } from '../files/bytes.ts';
import { elementsOf, type DataRecord, type Field, type ReadOptions } from '../columns/table.ts';
import { readPickle } from './read.ts';
import { PickledArray, PickledDict, type PickleValue } from './values.ts';

/** One dict a window needs about 60 bytes. */
const MAX_PICKLE_BYTES = 128 << 20;
const MAX_FIELDS = 1000;
const BLOCK_RECORDS = 4096;

export async function* readRecords(
  array: StoredArray,
  fields: readonly string[],
  { signal }: ReadOptions = {},
): AsyncGenerator<readonly DataRecord[], void> {
  const { place, member, dataOffset } = array;
  if (member.sizeBytes > MAX_PICKLE_BYTES) {
    throw refused(place, `it has ${member.sizeBytes} bytes; at most ${MAX_PICKLE_BYTES} are read`);
  }
  const bytes = await readWhole(member, MAX_PICKLE_BYTES, signal);
  const value = readPickle(bytes.subarray(dataOffset), place);
  const items = value instanceof PickledArray ? value.items : value;
  const expected = elementsOf(array);
  if (!Array.isArray(items) || items.length !== expected) {
    const found = Array.isArray(items) ? `${items.length} entries` : 'no list of entries';
    throw refused(place, `it holds ${found}, its header says ${expected}`);
  }
  for (let first = 0; first < items.length; first += BLOCK_RECORDS) {
    yield items.slice(first, first + BLOCK_RECORDS).map((item) => toRecord(item, fields, place));
    await nextTurn();
    throwIfCancelled(signal, 'Reading');
  }
}

function toRecord(item: PickleValue, fields: readonly string[], place: string): DataRecord {
  if (!(item instanceof PickledDict)) return null;
  if (item.keys.length > MAX_FIELDS) throw refused(place, `an entry has ${item.keys.length} fields`);
  const record = new Map<string, Field>();
  for (const field of fields) {
    const value = item.get(field);
    if (value !== undefined) record.set(field, toField(value));
  }
  return record;
}

function toField(item: PickleValue): Field {
  const value = item instanceof PickledArray && item.shape.length === 0 ? (item.items[0] ?? null) : item;
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof PickledDict) return { kind: 'a dict' };
  if (value instanceof PickledArray || Array.isArray(value)) return { kind: 'a list' };
  return { kind: value instanceof Uint8Array ? 'bytes' : 'an object' };
}

function refused(place: string, why: string): NextvecError {
  return new NextvecError('METADATA_REFUSED', `${place}: the pickle was refused: ${why}.`, {
    remedy: 'Write the metadata as a list of plain dicts.',
  });
}
