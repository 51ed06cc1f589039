/** A table to be written to a file: columns of equal length, read a block of rows at a time. R rows. */
import { throwIfCancelled } from '#shared/domain/errors.ts';

export interface VectorColumn {
  readonly kind: 'vectors';
  readonly name: string;
  readonly dtype: 'float32' | 'float16';
  /** Axes of a row: [D], or [T, D]. Formats without such rows write T·D elements in one list. */
  readonly shape: readonly number[];
  /** Little-endian elements of rows first .. first + count; a new array at each call. */
  read(first: number, count: number): Uint8Array<ArrayBuffer>;
}

export interface IntegerColumn {
  readonly kind: 'integers';
  readonly name: string;
  read(first: number, count: number): BigInt64Array<ArrayBuffer>;
}

export interface FloatColumn {
  readonly kind: 'floats';
  readonly name: string;
  read(first: number, count: number): Float32Array<ArrayBuffer>;
}

export interface TextColumn {
  readonly kind: 'texts';
  readonly name: string;
  /** null: the row has no text. */
  read(first: number, count: number): readonly (string | null)[];
}

export type OutColumn = VectorColumn | IntegerColumn | FloatColumn | TextColumn;

export interface OutTable {
  readonly rows: number;
  readonly columns: readonly OutColumn[];
}

/** Where a file is written, from its first byte to its last. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** Rows written since the last call. */
  readonly onRows: (rows: number) => void;
  /** The program that writes, where the format has a place for it. */
  readonly createdBy: string;
}

export const ELEMENT_BYTES: Readonly<Record<VectorColumn['dtype'], number>> = { float32: 4, float16: 2 };

export function elementsOfRow({ shape }: VectorColumn): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function rowBytes(column: VectorColumn): number {
  return elementsOfRow(column) * ELEMENT_BYTES[column.dtype];
}

/** Rows of which the vectors of all columns take about `bytes`; at least one. */
export function rowsOfBytes({ columns }: OutTable, bytes: number): number {
  const perRow = columns.reduce((sum, column) => sum + (column.kind === 'vectors' ? rowBytes(column) : 0), 1);
  return Math.max(1, Math.floor(bytes / perRow));
}

/** Blocks of at most `size` rows that cover all rows. Throws CANCELLED once the signal is aborted. */
export function* blocksOf(
  rows: number,
  size: number,
  signal?: AbortSignal,
): Generator<{ readonly first: number; readonly count: number }> {
  for (let first = 0; first < rows; first += size) {
    throwIfCancelled(signal, 'The export');
    yield { first, count: Math.min(size, rows - first) };
  }
}
