/**
 * A file of rows whose number nobody knows before the end: JSON Lines, CSV. Its first rows say what columns there are; reading
 * is one pass that writes the wanted columns to a folder, where they are columns as of any other file. R rows, D elements.
 */
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError } from '#shared/domain/errors.ts';
import { columnOf } from '../columns/column.ts';
import type { Column, DataFile, DataFormat, Reading } from '../columns/table.ts';
import { cellTypeOf, isMissing, numberOf, textOf, typeName, writeVector, type CellType } from './cells.ts';
import { ColumnWriter, storedColumns } from './stored-columns.ts';
import type { StreamOptions } from './text-stream.ts';

export interface Row {
  /** Line of the file on which it begins, 1 for the first. */
  readonly line: number;
  readonly cells: ReadonlyMap<string, unknown>;
}

/** Rows of a file, block by block. */
export type RowReader = (options: StreamOptions) => AsyncGenerator<readonly Row[]>;

export interface WantedColumn {
  readonly name: string;
  readonly as: Exclude<Reading, 'records'>;
}

export interface RowFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly bytes: number;
  /** The first rows, as columns in memory. */
  readonly sample: DataFile;
  /** Writes the wanted columns of all rows to `folder` and opens them there. Throws with file, line and column. The caller closes the file. */
  convert(wanted: readonly WantedColumn[], folder: string, options?: StreamOptions): Promise<DataFile>;
}

const SAMPLE_ROWS = 100;
const MAX_COLUMNS = 10_000;

export interface RowSource {
  readonly path: string;
  readonly format: DataFormat;
  readonly bytes: number;
  readonly rows: RowReader;
}

export async function openRowFile(source: RowSource): Promise<RowFile> {
  const rows = await firstRows(source);
  const types = columnTypes(rows, basename(source.path));
  return {
    path: source.path,
    format: source.format,
    bytes: source.bytes,
    sample: sampleOf(source, rows, types),
    convert: (wanted, folder, options = {}) => convert(source, types, { wanted, folder, options }),
  };
}

async function firstRows(source: RowSource): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const block of source.rows({})) {
    rows.push(...block.slice(0, SAMPLE_ROWS - rows.length));
    if (rows.length >= SAMPLE_ROWS) break;
  }
  if (rows.length > 0) return rows;
  throw new NextvecError('EMPTY', `${basename(source.path)} has no rows.`, {
    remedy: 'Choose a file that holds at least one row.',
  });
}

function columnTypes(rows: readonly Row[], file: string): Map<string, CellType> {
  const names = new Set(rows.flatMap(({ cells }) => [...cells.keys()]));
  if (names.size > MAX_COLUMNS) {
    throw new NextvecError('OUT_OF_RANGE', `${file} has more than ${MAX_COLUMNS} columns.`, {
      remedy: 'Write each vector as one list, or leave out columns.',
    });
  }
  const lines = rows.map(({ line }) => line);
  return new Map(
    [...names].map((name) => [
      name,
      cellTypeOf(
        rows.map(({ cells }) => cells.get(name)),
        lines,
      ),
    ]),
  );
}

function sampleOf(source: RowSource, rows: readonly Row[], types: ReadonlyMap<string, CellType>): DataFile {
  const column = async (name: string): Promise<Column> => {
    const type = types.get(name);
    if (!type) throw new Error(`${source.path} has no column ${name}`);
    return sampleColumn(
      { name, place: `${basename(source.path)}: ${name}` },
      type,
      rows.map(({ cells }) => cells.get(name)),
    );
  };
  const { path, format, bytes } = source;
  return { path, format, bytes, names: [...types.keys()], column, close: async () => undefined };
}

function sampleColumn(place: Pick<Column, 'name' | 'place'>, type: CellType, values: readonly unknown[]): Column {
  const R = values.length;
  const shape = type.kind === 'vector' ? [R, type.D] : [R];
  const facts = { ...place, dtype: typeName(type), shape, bytes: 0, storedBytes: 0 };
  if (type.kind === 'other') return columnOf(facts, {});
  if (type.kind === 'vector') {
    const rows = new Float32Array(R * type.D);
    values.forEach((value, r) => isMissing(value) || writeVector(value, type, rows, r * type.D));
    return columnOf(facts, {
      rows: async function* () {
        yield { firstRow: 0, rows: R, values: rows };
      },
    });
  }
  const texts = async function* (): AsyncGenerator<(string | null)[]> {
    yield values.map(textOf);
  };
  const integers = async (): Promise<Float64Array> => Float64Array.from(values, numberOf);
  return columnOf(facts, type.kind === 'number' ? { integers, texts } : { texts });
}

interface Conversion {
  readonly wanted: readonly WantedColumn[];
  readonly folder: string;
  readonly options: StreamOptions;
}

async function convert(
  source: RowSource,
  types: ReadonlyMap<string, CellType>,
  { wanted, folder, options }: Conversion,
): Promise<DataFile> {
  const file = basename(source.path);
  const writers = wanted.map(({ name, as }, i) => {
    const type = types.get(name);
    if (!type) {
      throw new NextvecError('NO_KNOWN_ARRAYS', `${file} has no column "${name}".`, {
        remedy: 'Choose files that have the same columns.',
      });
    }
    const place = { name, place: `${file}: ${name}` };
    return { name, writer: new ColumnWriter({ ...place, folder, number: i }, as === 'floats' ? type : as) };
  });
  try {
    for await (const block of source.rows(options)) {
      for (const { line, cells } of block) {
        for (const { name, writer } of writers) {
          const fault = writer.add(cells.get(name));
          if (fault !== null) throw badCell(`${file}: line ${line}: ${name} ${fault}`);
        }
      }
      await nextTurn();
    }
    const { path, format, bytes } = source;
    return await storedColumns(
      { path, format, bytes },
      writers.map(({ writer }) => writer.finish()),
    );
  } finally {
    for (const { writer } of writers) writer.close();
  }
}

function badCell(message: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${message}.`, {
    remedy: 'Repair or remove this row, or choose another column.',
  });
}
