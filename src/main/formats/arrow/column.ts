/** A column of an Arrow file as rows of floats, integers or texts, through its record batches. R rows, D elements of a list. */
import { NextvecError } from '#shared/domain/errors.ts';
import { columnOf } from '../columns/column.ts';
import { concatenate } from '../columns/integers.ts';
import { elementPlace, toFloat32 } from '../columns/narrow.ts';
import type { Column, ReadOptions, RowBlock, Text } from '../columns/table.ts';
import { missingValue, notAnInteger } from '../columns/value-errors.ts';
import type { ByteStream } from './byte-stream.ts';
import { FieldReader, batchAt, type ArrowData, type BatchPlace } from './batches.ts';
import { dictionaryReader } from './dictionary.ts';
import { arrowError } from './errors.ts';
import type { ArrowField, Encoding } from './schema.ts';
import { BLOCK_VALUES, bitsOf, takeNumbers, valuesOf } from './values.ts';

const MAX_ROW_ELEMENTS = 1 << 24;
const BLOCK_BYTES = 2 << 20;

export async function arrowColumn(data: ArrowData, field: ArrowField, storedBytes: number): Promise<Column> {
  const { name, encoding, label } = field;
  const place = `${data.opened.file}: ${name}`;
  const R = data.batches.reduce((sum, { rows }) => sum + rows, 0);
  const facts = { name, place, dtype: label, shape: [R], bytes: storedBytes, storedBytes };
  const source = { data, field, place, R };
  if (encoding?.as === 'list' || encoding?.as === 'fixed') {
    const sizes = encoding.as === 'fixed' ? encoding.sizes : [await listLength(source, encoding)];
    const D = sizes.reduce((product, n) => product * n, 1);
    if (D === 0 || D > MAX_ROW_ELEMENTS) return columnOf({ ...facts, dtype: `list of ${label}` }, {});
    const shape = [R, ...sizes];
    const rows = (options?: ReadOptions) => readRows({ ...source, encoding, D }, options);
    return columnOf({ ...facts, shape, bytes: R * D * encoding.type.bytes }, { rows });
  }
  if (label === 'text') return columnOf(facts, { texts: (options) => readTexts(source, options) });
  if (!encoding) return columnOf(facts, {});
  return columnOf(facts, { integers: (options) => readIntegers(source, options) });
}

interface ColumnSource {
  readonly data: ArrowData;
  readonly field: ArrowField;
  readonly place: string;
  readonly R: number;
}

interface ListSource extends ColumnSource {
  readonly encoding: Extract<Encoding, { as: 'list' | 'fixed' }>;
  /** Elements of each row. */
  readonly D: number;
}

/** What `read` yields of each batch that has rows, with the number of its first row. */
async function* eachBatch<T>(
  { data, field, place }: ColumnSource,
  signal: AbortSignal | undefined,
  read: (reader: FieldReader, firstRow: number, batch: BatchPlace) => AsyncGenerator<T>,
): AsyncGenerator<T, void> {
  let firstRow = 0;
  for (const [i, batch] of data.batches.entries()) {
    if (batch.rows === 0) continue;
    let reader: FieldReader | null = null;
    try {
      reader = new FieldReader(data.opened, await batchAt(data.opened, batch, data.total), field, signal);
      yield* read(reader, firstRow, batch);
    } catch (error) {
      throw arrowError(error, `${place}: record batch ${i}`);
    } finally {
      await reader?.close();
    }
    firstRow += batch.rows;
  }
}

/** Elements of the first list; 0: there is none. */
async function listLength(source: ColumnSource, encoding: Extract<Encoding, { as: 'list' }>): Promise<number> {
  const type = { kind: 'i', bytes: encoding.offsetBytes } as const;
  const lengths = eachBatch(source, undefined, async function* (reader) {
    const [first, second] = await takeNumbers(await reader.buffer(1), type, 2);
    yield second - first;
  });
  for await (const length of lengths) return Math.max(0, length);
  return 0;
}

function readRows(source: ListSource, { signal, blockBytes }: ReadOptions = {}): AsyncGenerator<RowBlock, void> {
  const { encoding, D, place } = source;
  const { type } = encoding;
  const blockRows = Math.max(1, Math.floor((blockBytes ?? BLOCK_BYTES) / (D * type.bytes)));
  return eachBatch(source, signal, async function* (reader, firstRow, { rows }) {
    await refuseNulls(reader, source, firstRow);
    // The last buffer is that of the values.
    const values = await reader.buffer(reader.bufferCount - 1);
    const checkLists = encoding.as === 'list' ? await listChecker(reader, values, { encoding, D, place }) : null;
    for (let done = 0; done < rows; done += blockRows) {
      const first = firstRow + done;
      const n = Math.min(blockRows, rows - done);
      await checkLists?.(n, first);
      const block = await takeNumbers(values, type, n * D);
      yield { firstRow: first, rows: n, values: toFloat32(block, (i) => elementPlace(place, first * D + i, D)) };
    }
  });
}

/** Throws for lists or elements without a value. Each level of lists has a node and a bitmap, the elements have the last. */
async function refuseNulls(reader: FieldReader, { encoding, D, place }: ListSource, firstRow: number): Promise<void> {
  const sizes = encoding.as === 'fixed' ? encoding.sizes : [D];
  let perRow = 1;
  for (const [level, { rows, nulls }] of reader.nodes.entries()) {
    if (nulls > 0) {
      const buffer = encoding.as === 'list' && level === 1 ? 2 : level;
      const bits = await reader.buffer(buffer);
      for (let done = 0; done < rows; done += BLOCK_VALUES) {
        const n = Math.min(BLOCK_VALUES, rows - done);
        const isThere = bitsOf(await bits.take(Math.ceil(n / 8)));
        for (let i = 0; i < n; i++) {
          if (!isThere(i)) throw missingValue(place, firstRow + Math.floor((done + i) / perRow));
        }
      }
    }
    perRow *= sizes[level] ?? 1;
  }
}

/** Checks the lengths of the next n lists, the first of which is row `first`. */
async function listChecker(
  reader: FieldReader,
  values: ByteStream,
  { encoding, D, place }: Pick<ListSource, 'D' | 'place'> & { readonly encoding: Extract<Encoding, { as: 'list' }> },
): Promise<(n: number, first: number) => Promise<void>> {
  const offsets = await reader.buffer(1);
  const type = { kind: 'i', bytes: encoding.offsetBytes } as const;
  let [end] = await takeNumbers(offsets, type, 1);
  await values.skip(end * encoding.type.bytes);
  return async (n, first) => {
    for (const [i, next] of (await takeNumbers(offsets, type, n)).entries()) {
      if (next - end !== D) throw otherLength(place, first + i, next - end, D);
      end = next;
    }
  };
}

/** Values of each batch, those of a dictionary looked up. */
function readValues(
  source: ColumnSource,
  { signal }: ReadOptions = {},
): AsyncGenerator<readonly (number | Text)[], void> {
  const { encoding } = source.field;
  const lookUp = dictionaryReader(source.data, encoding, signal);
  return eachBatch(source, signal, async function* (reader, _, batch) {
    if (!encoding || encoding.as === 'list' || encoding.as === 'fixed')
      throw new Error('a column of values was expected');
    if (encoding.as !== 'dictionary') return yield* valuesOf(reader, encoding);
    const dictionary = await lookUp(batch);
    for await (const block of valuesOf(reader, { as: 'numbers', type: encoding.index })) {
      yield block.map((index) => {
        if (index === null) return null;
        const value = dictionary[Number(index)];
        if (value === undefined) throw new RangeError('an index points outside its dictionary');
        return value;
      });
    }
  });
}

async function readIntegers(source: ColumnSource, options?: ReadOptions): Promise<Float64Array> {
  const parts: Float64Array[] = [];
  let row = 0;
  for await (const block of readValues(source, options)) {
    parts.push(Float64Array.from(block, (value, i) => integerOf(value, source.place, row + i)));
    row += block.length;
  }
  return concatenate(parts);
}

function integerOf(value: number | Text, place: string, row: number): number {
  if (value === null) throw missingValue(place, row);
  if (Number.isSafeInteger(value)) return Number(value);
  throw notAnInteger(`${place}: row ${row}`, value);
}

async function* readTexts(source: ColumnSource, options?: ReadOptions): AsyncGenerator<readonly Text[], void> {
  for await (const block of readValues(source, options)) {
    yield block.map((value) => (value === null ? null : String(value)));
  }
}

function otherLength(place: string, row: number, length: number, D: number): NextvecError {
  return new NextvecError(
    'WIDTH_MISMATCH',
    `${place}: the list of row ${row} has ${length} elements, the first has ${D}.`,
    {
      remedy: 'Write lists of one length: the vectors of one encoder.',
    },
  );
}
