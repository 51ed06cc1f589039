/** An array of fixed-size elements (or one pickle) that lies together in its file, offered as a column. */
import { NextvecError } from '#shared/domain/errors.ts';
import { readThrough } from './bytes.ts';
import { unsupported } from './column.ts';
import { readIntegers } from './integers.ts';
import type { DType } from './npy/header.ts';
import { readRecords } from './pickle/records.ts';
import { readRows } from './rows.ts';
import type { StoredArray } from './stored-array.ts';
import { elementsOf, type Column, type Reading } from './table.ts';
import { readTexts } from './texts.ts';

/** Throws HEADER_MISMATCH where shape and element size need other bytes than there are. */
export function arrayColumn(array: StoredArray): Column {
  refuseWrongSize(array);
  const { name, place, dtype, shape, member } = array;
  const readableAs = readings(dtype);
  const need = (reading: Reading): void => {
    if (!readableAs.includes(reading)) throw unsupported({ place, dtype: dtype.label }, reading);
  };
  return {
    name,
    place,
    dtype: dtype.label,
    shape,
    readableAs,
    bytes: member.sizeBytes,
    storedBytes: member.storedBytes,
    rows(options) {
      need('floats');
      return readRows(array, options);
    },
    async integers(options) {
      need('integers');
      return readIntegers(array, options);
    },
    texts(options) {
      need('texts');
      return readTexts(array, options);
    },
    records(fields, options) {
      need('records');
      return readRecords(array, fields, options);
    },
    verify: (options) => readThrough(member, options?.signal),
  };
}

function readings({ kind }: DType): Reading[] {
  switch (kind) {
    case 'f':
      return ['floats', 'integers'];
    case 'bf':
      return ['floats'];
    case 'i':
    case 'u':
      return ['integers'];
    case 'U':
    case 'S':
      return ['texts'];
    case 'O':
      return ['records', 'texts'];
    case 'b':
    case 'other':
      return [];
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
