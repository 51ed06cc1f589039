/** A column of a Parquet file as rows of floats, integers or texts, page by page. R rows, D elements of a list. */
import { NextvecError } from '#shared/domain/errors.ts';
import { columnOf } from '../columns/column.ts';
import { concatenate } from '../columns/integers.ts';
import { elementPlace, toFloat32, type Floats } from '../columns/narrow.ts';
import type { Column, ReadOptions, RowBlock, Text } from '../columns/table.ts';
import { missingValue, notAnInteger } from '../columns/value-errors.ts';
import { columnChunks, pagesOf, type Page, type ParquetData } from './pages.ts';
import type { LeafColumn } from './schema.ts';

const MAX_D = 1 << 20;
const ELEMENT_BYTES: Readonly<Record<string, number>> = { float16: 2, float32: 4, float64: 8 };

export async function parquetColumn(data: ParquetData, leaf: LeafColumn): Promise<Column> {
  const { name } = leaf;
  const place = `${data.file}: ${name}`;
  const R = Number(data.metadata.num_rows);
  const D = leaf.isList && leaf.kind === 'floats' ? await listLength(data, leaf) : null;
  const storedBytes = columnChunks(data, leaf).reduce((sum, chunk) => sum + Number(chunk.total_compressed_size), 0);
  const plain = columnChunks(data, leaf).reduce((sum, chunk) => sum + Number(chunk.total_uncompressed_size), 0);
  const dtype = leaf.isList && leaf.kind !== null ? leaf.label.replace('list of ', '') : leaf.label;
  const bytes = D === null ? plain : R * D * (ELEMENT_BYTES[dtype] ?? 4);
  const facts = { name, place, dtype, shape: D === null ? [R] : [R, D], bytes, storedBytes };
  const source = { data, leaf, place, R };
  const integers = (options?: ReadOptions) => readIntegers(source, options);
  if (leaf.kind === 'texts') return columnOf(facts, { texts: (options) => readTexts(source, options) });
  if (leaf.kind === 'integers') return columnOf(facts, { integers });
  return D === null ? columnOf(facts, {}) : columnOf(facts, { rows: (options) => readRows(source, D, options) });
}

interface ColumnSource {
  readonly data: ParquetData;
  readonly leaf: LeafColumn;
  readonly place: string;
  readonly R: number;
}

/** Elements of the first list. */
async function listLength(data: ParquetData, leaf: LeafColumn): Promise<number> {
  let length = 0;
  for await (const { repetitions, entries, isThere } of pagesOf(data, leaf)) {
    for (let i = 0; i < entries; i++) {
      if (repetitions?.[i] === 0 && length > 0) return length;
      // An empty list has one entry without a value.
      if (isThere && !isThere(i)) throw missingValue(`${data.file}: ${leaf.name}`, 0);
      length++;
    }
    if (length > MAX_D) break;
  }
  return length;
}

async function* readRows(
  { data, leaf, place, R }: ColumnSource,
  D: number,
  { signal }: ReadOptions = {},
): AsyncGenerator<RowBlock, void> {
  let left: Float32Array<ArrayBuffer> = new Float32Array(0);
  let firstRow = 0;
  for await (const page of pagesOf(data, leaf, signal)) {
    const from = firstRow * D + left.length;
    refuseOtherLengths(page, from, D, place);
    const floats = toFloat32(floatsOf(page), (i) => elementPlace(place, from + i, D));
    const values = new Float32Array(left.length + floats.length);
    values.set(left);
    values.set(floats, left.length);
    const rows = Math.floor(values.length / D);
    left = values.slice(rows * D);
    if (firstRow + rows > R) throw wrongCount(place, R);
    if (rows > 0) yield { firstRow, rows, values: values.slice(0, rows * D) };
    firstRow += rows;
  }
  if (firstRow !== R || left.length > 0) throw wrongCount(place, R);
}

/** Every list must have D elements: one begins at each multiple of D, and nowhere else. `from`: place of the page's first element. */
function refuseOtherLengths({ repetitions, entries, isThere }: Page, from: number, D: number, place: string): void {
  let element = from % D;
  for (let i = 0; i < entries; i++) {
    const isFirst = repetitions?.[i] === 0;
    const isRight = isFirst === (element === 0) && (!isThere || isThere(i));
    element = element + 1 === D ? 0 : element + 1;
    if (isRight) continue;
    const row = Math.floor((from + i) / D);
    if (isThere && !isThere(i)) throw missingValue(place, row);
    throw new NextvecError(
      'WIDTH_MISMATCH',
      `${place}: the list of row ${Math.max(0, isFirst ? row : row - 1)} has not ${D} elements, as the first has.`,
      {
        remedy: 'Write lists of one length: the vectors of one encoder.',
      },
    );
  }
}

function floatsOf({ values }: Page): Floats {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new Error('a page of floats was expected');
}

async function readIntegers(
  { data, leaf, place, R }: ColumnSource,
  { signal }: ReadOptions = {},
): Promise<Float64Array> {
  const parts: Float64Array[] = [];
  let row = 0;
  for await (const { values, entries, isThere } of pagesOf(data, leaf, signal)) {
    for (let i = 0; i < entries; i++) if (isThere?.(i) === false) throw missingValue(place, row + i);
    const part = Float64Array.from(values, Number);
    const odd = part.findIndex((value) => !Number.isSafeInteger(value));
    if (odd >= 0) throw notAnInteger(`${place}: row ${row + odd}`, part[odd]);
    parts.push(part);
    row += entries;
    if (row > R) throw wrongCount(place, R);
  }
  if (row !== R) throw wrongCount(place, R);
  return concatenate(parts);
}

async function* readTexts(
  { data, leaf, place, R }: ColumnSource,
  { signal }: ReadOptions = {},
): AsyncGenerator<readonly Text[], void> {
  let row = 0;
  for await (const { values, entries, isThere } of pagesOf(data, leaf, signal)) {
    let next = 0;
    const texts = Array.from({ length: entries }, (_, i) => (isThere && !isThere(i) ? null : String(values[next++])));
    row += entries;
    if (row > R) throw wrongCount(place, R);
    yield texts;
  }
  if (row !== R) throw wrongCount(place, R);
}

function wrongCount(place: string, R: number): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${place}: the column does not have ${R} rows, as the file says.`, {
    remedy: 'Write the file again.',
  });
}
