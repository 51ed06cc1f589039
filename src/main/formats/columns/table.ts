/**
 * What every file of data offers, whatever its format: named columns, read as rows of float vectors, integers, texts or
 * records. Knows nothing of bytes. R rows, W elements a row (all axes but the first).
 */
import type { READINGS } from '#shared/domain/datasets/mapping.ts';
import { NextvecError } from '#shared/domain/errors.ts';

export type DataFormat = 'npz' | 'npy' | 'safetensors' | 'jsonl' | 'csv' | 'parquet' | 'arrow' | 'hdf5';

/** Formats whose columns hold a value or a list in each row; the others hold arrays of any number of axes. */
export const TABLE_FORMATS: readonly DataFormat[] = ['jsonl', 'csv', 'parquet', 'arrow'];

/** Type of a column whose rows are lists of lists of any lengths, as those of Array2D of Hugging Face's datasets. Not read. */
export const LIST_OF_LISTS = 'list of lists';

export interface DataFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly bytes: number;
  /** The files that are read as one: those of a folder, or a .npy file and its side files; absent: it is one file. */
  readonly parts?: readonly string[];
  /** Names of the columns, in file order. Nothing else of a column is read before it is asked for. */
  readonly names: readonly string[];
  /** Reads the description of one column. Throws HEADER_MISMATCH where it does not fit the data. */
  column(name: string): Promise<Column>;
  close(): Promise<void>;
}

export type Reading = (typeof READINGS)[number];

export interface Column {
  readonly name: string;
  /** File and column, for messages. */
  readonly place: string;
  /** Element type as it is stored, e.g. `float16`, `int64`, `datetime64[s]`. */
  readonly dtype: string;
  /** [R, ...]; [] is a single value. */
  readonly shape: readonly number[];
  /** Rows of each of several files that are read as one. */
  readonly partRows?: readonly number[];
  /** What the column can be read as; anything else throws UNSUPPORTED_DTYPE. */
  readonly readableAs: readonly Reading[];
  /** Bytes of the column after decompression, and as they lie in the file. */
  readonly bytes: number;
  readonly storedBytes: number;
  /**
   * Rows as float32, block by block in bounded memory. Throws OUT_OF_RANGE for a finite number that float32 cannot hold.
   * Ending the generator early stops the reading.
   */
  rows(options?: ReadOptions): AsyncGenerator<RowBlock, void>;
  /** One number for each element. Throws OUT_OF_RANGE for a fraction or an integer beyond 2^53. */
  integers(options?: ReadOptions): Promise<Float64Array>;
  /** Every element in C order, block by block; null: it is no text. Lists of texts in object arrays are flattened. */
  texts(options?: ReadOptions): AsyncGenerator<readonly Text[], void>;
  /**
   * The named fields of each record, block by block. Throws METADATA_REFUSED for records that are not plain data or need
   * too much memory.
   */
  records(fields: readonly string[], options?: ReadOptions): AsyncGenerator<readonly DataRecord[], void>;
  /** Reads the column to its end and checks it against the checksum of its container, where there is one. */
  verify(options?: ReadOptions): Promise<void>;
}

export type Text = string | null;

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Folder for temporary copies. */
  readonly scratchFolder?: string;
  /** Bytes of file data in one block; default 2 MiB. */
  readonly blockBytes?: number;
  /** Columns in Fortran order up to this size are transposed in memory; larger ones in strips. Default 64 MiB. */
  readonly transposeBytes?: number;
}

export interface RowBlock {
  readonly firstRow: number;
  readonly rows: number;
  /** [rows, W], valid until the next block is asked for. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** A single value of a record; lists, dicts and bytes come as `{ kind }`, without their content. */
export type Field = null | boolean | number | string | { readonly kind: string };
/** Only the fields that the record has. null: the entry is not a record. */
export type DataRecord = ReadonlyMap<string, Field> | null;

export function elementsOf({ shape }: Pick<Column, 'shape'>): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function rowLength({ shape }: Pick<Column, 'shape'>): number {
  return shape.slice(1).reduce((product, n) => product * n, 1);
}

/** Largest plausible compression ratio: embeddings and weights hardly compress, unless almost all rows are equal. */
const MAX_RATIO = 100;
const SMALL_BYTES = 64 << 20;

/** Throws OUT_OF_RANGE for float data whose compression ratio is implausible, before any of it is read. */
export function refuseImplausibleRatio({ place, bytes, storedBytes }: Pick<Column, 'place' | 'bytes' | 'storedBytes'>) {
  if (bytes <= SMALL_BYTES || bytes <= MAX_RATIO * storedBytes) return;
  throw new NextvecError(
    'OUT_OF_RANGE',
    `${place}: ${storedBytes} compressed bytes inflate to ${bytes}, so almost all of its rows are equal.`,
    { remedy: 'Vectors and weights never compress this well; check the program that wrote the file.' },
  );
}

/** Every text of a small column. */
export async function allTexts(column: Column): Promise<Text[]> {
  const all: Text[] = [];
  for await (const block of column.texts()) all.push(...block);
  return all;
}

/** The whole column as float32. Throws UNSUPPORTED_DTYPE where it holds anything but floats. */
export async function readFloats(column: Column, options?: ReadOptions): Promise<Float32Array<ArrayBuffer>> {
  refuseImplausibleRatio(column);
  const values = new Float32Array(elementsOf(column));
  const W = rowLength(column);
  for await (const block of column.rows(options)) values.set(block.values, block.firstRow * W);
  return values;
}
