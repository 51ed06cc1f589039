/** Some consecutive rows of a column as a column of their own. Reading them passes over the rows before. R rows. */
import { elementsOf, type Column, type RowBlock } from './table.ts';

/** Rows first .. first + count. */
export function rangeColumn(column: Column, first: number, count: number): Column {
  const R = column.shape[0];
  const share = count / R;
  const perRow = elementsOf(column) / R;
  return {
    ...column,
    shape: [count, ...column.shape.slice(1)],
    bytes: column.bytes * share,
    storedBytes: column.storedBytes * share,
    rows: (options) => rangeRows(column.rows(options), first, count),
    integers: async (options) => (await column.integers(options)).slice(first, first + count),
    texts: (options) => rangeItems(column.texts(options), first * perRow, (first + count) * perRow),
    records: (fields, options) => rangeItems(column.records(fields, options), first, first + count),
  };
}

async function* rangeRows(
  blocks: AsyncIterable<RowBlock>,
  first: number,
  count: number,
): AsyncGenerator<RowBlock, void> {
  for await (const { firstRow, rows, values } of blocks) {
    const from = Math.max(first, firstRow);
    const to = Math.min(first + count, firstRow + rows);
    if (firstRow >= first + count) return;
    if (from >= to) continue;
    const W = values.length / rows;
    const part = values.subarray((from - firstRow) * W, (to - firstRow) * W);
    yield { firstRow: from - first, rows: to - from, values: part };
  }
}

/** Items from .. to of lists that follow each other. */
async function* rangeItems<T>(
  blocks: AsyncIterable<readonly T[]>,
  from: number,
  to: number,
): AsyncGenerator<readonly T[], void> {
  let at = 0;
  for await (const block of blocks) {
    const part = block.slice(Math.max(0, from - at), Math.max(0, to - at));
    at += block.length;
    if (part.length > 0) yield part;
    if (at >= to) return;
  }
}
