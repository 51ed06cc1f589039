/** An array of fixed-size elements (or one pickle) that lies together in its file, offered as a column. */
import { NextvecError } from '#shared/domain/errors.ts';
import { readThrough } from '../files/bytes.ts';
import { columnOf, type Readers } from './column.ts';
import { readIntegers } from './integers.ts';
import { readRecords } from '../pickle/records.ts';
import { readRows } from './rows.ts';
import type { StoredArray } from './stored-array.ts';
import { elementsOf, type Column } from './table.ts';
import { readTexts } from './texts.ts';

/** Throws HEADER_MISMATCH where shape and element size need other bytes than there are. */
export function arrayColumn(array: StoredArray): Column {
  refuseWrongSize(array);
  const { name, place, dtype, shape, member } = array;
  const sizes = { bytes: member.sizeBytes, storedBytes: member.storedBytes };
  const verify: Column['verify'] = (options) => readThrough(member, options?.signal);
  return columnOf({ name, place, dtype: dtype.label, shape, ...sizes, verify }, readersOf(array));
}

function readersOf(array: StoredArray): Readers {
  const rows: Column['rows'] = (options) => readRows(array, options);
  const integers: Column['integers'] = (options) => readIntegers(array, options);
  const texts: Column['texts'] = (options) => readTexts(array, options);
  switch (array.dtype.kind) {
    case 'f':
      return { rows, integers };
    case 'bf':
      return { rows };
    case 'i':
    case 'u':
      return { integers };
    case 'U':
    case 'S':
      return { texts };
    case 'O':
      return { texts, records: (fields, options) => readRecords(array, fields, options) };
    case 'b':
    case 'other':
      return {};
  }
}

function refuseWrongSize(array: StoredArray): void {
  if (array.dtype.bytes === 0) return;
  const needed = elementsOf(array) * array.dtype.bytes;
  const there = array.member.sizeBytes - array.dataOffset;
  if (needed === there) return;
  throw new NextvecError(
    'HEADER_MISMATCH',
    `${array.place}: the header promises shape (${array.shape.join(', ')}) of ${array.dtype.label}, ${needed} bytes, ` +
      `but the member holds ${there}.`,
    { remedy: 'Write the array anew; its header and its data do not belong together.' },
  );
}
