/** Matrices in device memory whose rows are those of a batch: B items of R rows each. */
import type { Tensor } from './device/memory.ts';

/** Row r begins at element offset + ⌊r/R⌋·itemStride + (r mod R)·rowStride of `tensor`. */
export interface Rows {
  readonly tensor: Tensor;
  readonly offset: number;
  readonly columns: number;
  /** Rows of each item of the batch. */
  readonly R: number;
  readonly itemStride: number;
  readonly rowStride: number;
}

/** Where rows lie if not one after the other from the first element on. */
export interface RowPlaces {
  readonly offset?: number;
  readonly rowStride?: number;
  readonly itemStride?: number;
}

/** R rows of `columns` values for each item. */
export function rowsOf(tensor: Tensor, columns: number, R = 1, places: RowPlaces = {}): Rows {
  const { offset = 0, rowStride = columns, itemStride = R * rowStride } = places;
  return { tensor, offset, columns, R, itemStride, rowStride };
}

/** Row t of each item, B rows in all. */
export function stepOf(rows: Rows, t: number): Rows {
  return { ...rows, offset: rows.offset + t * rows.rowStride, R: 1 };
}

/** The first R rows of each item. */
export function firstRowsOf(rows: Rows, R: number): Rows {
  return { ...rows, R };
}

/** Columns [first, first + columns) of each row. */
export function columnsOf(rows: Rows, first: number, columns: number): Rows {
  return { ...rows, offset: rows.offset + first, columns };
}

/** WGSL: first element of row `row`, an expression of u32. */
export function rowStart({ offset, R, itemStride, rowStride }: Rows, row: string): string {
  const start =
    R === 1
      ? `(${row}) * ${itemStride}u`
      : itemStride === R * rowStride
        ? `(${row}) * ${rowStride}u`
        : `((${row}) / ${R}u) * ${itemStride}u + ((${row}) % ${R}u) * ${rowStride}u`;
  return offset === 0 ? start : `${offset}u + ${start}`;
}

/** WGSL: rows of the batch, an expression of u32. */
export function rowCount({ R }: Pick<Rows, 'R'>): string {
  return R === 1 ? 'u.B' : `u.B * ${R}u`;
}

/** Whether every row begins at a multiple of 4 elements and has a multiple of 4. */
export function isVectorised({ tensor, offset, columns, R, itemStride, rowStride }: Rows): boolean {
  const strides = R === 1 ? itemStride : itemStride | rowStride;
  return ((tensor.offset | offset | columns | strides) & 3) === 0;
}
