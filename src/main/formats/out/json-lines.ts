/** Writes a table as JSON Lines: one object a row, vectors as lists of numbers. float16 values are written as float32. */
import { halvesToFloats } from '../columns/half.ts';
import {
  blocksOf,
  elementsOfRow,
  rowsOfBytes,
  type ByteSink,
  type OutColumn,
  type OutTable,
  type VectorColumn,
  type WriteOptions,
} from './table.ts';

const BLOCK_BYTES = 1 << 20;

export async function writeJsonLines(
  table: OutTable,
  out: ByteSink,
  { signal, onRows }: Pick<WriteOptions, 'signal' | 'onRows'>,
): Promise<void> {
  for (const { first, count } of blocksOf(table.rows, rowsOfBytes(table, BLOCK_BYTES), signal)) {
    const fields = table.columns.map((column) => fieldsOf(column, first, count));
    const lines = Array.from({ length: count }, (_, row) => `{${fields.map((field) => field(row)).join(',')}}\n`);
    await out.write(Buffer.from(lines.join('')));
    onRows(count);
  }
}

/** The field of each row of a block, with its name. */
function fieldsOf(column: OutColumn, first: number, count: number): (row: number) => string {
  const name = JSON.stringify(column.name);
  if (column.kind === 'vectors') {
    const W = elementsOfRow(column);
    const values = floatsOf(column, first, count);
    return (row) => `${name}:[${Array.from(values.subarray(row * W, (row + 1) * W), numberText).join(',')}]`;
  }
  if (column.kind === 'integers') {
    const values = column.read(first, count);
    return (row) => `${name}:${values[row]}`;
  }
  if (column.kind === 'floats') {
    const values = column.read(first, count);
    return (row) => `${name}:${numberText(values[row])}`;
  }
  const texts = column.read(first, count);
  return (row) => `${name}:${JSON.stringify(texts[row])}`;
}

function floatsOf(column: VectorColumn, first: number, count: number): Float32Array {
  const { buffer } = column.read(first, count);
  return column.dtype === 'float32' ? new Float32Array(buffer) : halvesToFloats(new Uint16Array(buffer));
}

/** Nine digits tell any two float32 apart. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : value.toPrecision(9);
}
