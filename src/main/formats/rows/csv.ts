/**
 * Comma- or tab-separated values with a header. Columns that are numbered from 0 or 1 (`e0`, `e1`, …) are offered as one
 * column of vectors (`e*`).
 */
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { CsvError, parse, type Parser } from 'csv-parse';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { numberOf } from './cells.ts';
import type { Row, RowReader } from './row-file.ts';
import { plainBytes, type StreamOptions } from './text-stream.ts';

const BLOCK_ROWS = 256;
const MAX_ROW_CHARACTERS = 32 << 20;
const MAX_COLUMNS = 100_000;

interface Parsed {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

export function csvRows(path: string, delimiter: ',' | '\t' | ';'): RowReader {
  const file = basename(path);
  return async function* (options) {
    const parser = csvParser(path, file, delimiter, options);
    const rows: AsyncIterable<Parsed> = parser;
    let names: readonly string[] | null = null;
    let columns: Columns | null = null;
    let block: Row[] = [];
    try {
      for await (const { record, info } of rows) {
        if (names === null) {
          names = namesOf(record, file);
          continue;
        }
        columns ??= columnsOf(names, record);
        block.push({ line: info.lines, cells: cellsOf(record, columns) });
        if (block.length < BLOCK_ROWS) continue;
        yield block;
        block = [];
      }
    } catch (error) {
      throw isNextvecError(error) ? error : csvError(error, file);
    } finally {
      parser.destroy();
    }
    if (block.length > 0) yield block;
  };
}

function csvParser(path: string, file: string, delimiter: string, options: StreamOptions): Parser {
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  const source = Readable.from(plainBytes(path, file, options), { objectMode: true, highWaterMark: 1 });
  source.on('error', (error) => parser.destroy(error));
  parser.on('close', () => source.destroy());
  source.pipe(parser);
  return parser;
}

interface Columns {
  /** Name and place of each column that stands alone. */
  readonly single: readonly (readonly [name: string, place: number])[];
  /** Columns that are the elements of one vector, first element first. */
  readonly groups: ReadonlyMap<string, readonly number[]>;
}

function namesOf(header: readonly string[], file: string): string[] {
  if (header.length > MAX_COLUMNS) throw refused(file, `has ${header.length} columns`, 'Leave out columns.');
  if (header.some((name) => name.includes('.')) && header.every(isNumber)) {
    throw refused(file, 'begins with numbers', 'The first line of a CSV file names its columns: add it.');
  }
  // pandas writes its index as a first column without a name.
  const names = header.map((name, i) => (name.trim() === '' ? `column ${i + 1}` : name.trim()));
  const known = new Set<string>();
  for (const name of names) {
    if (known.has(name)) {
      const what = `names the column "${shortText(name)}" twice in its first line`;
      throw refused(file, what, 'The first line of a CSV file names its columns, each once.');
    }
    known.add(name);
  }
  return names;
}

function isNumber(cell: string): boolean {
  return !Number.isNaN(numberOf(cell));
}

/** `first`: the first row. Columns prefix0, prefix1, … or prefix1, prefix2, … that are numbers there are one vector. */
function columnsOf(names: readonly string[], first: readonly string[]): Columns {
  const byPrefix = new Map<string, Map<number, number>>();
  for (const [place, name] of names.entries()) {
    const [, prefix, digits] = /^(.*?)(\d{1,6})$/.exec(name) ?? [];
    if (prefix === undefined || !isNumber(first[place])) continue;
    byPrefix.set(prefix, (byPrefix.get(prefix) ?? new Map<number, number>()).set(Number(digits), place));
  }
  const groups = new Map<string, number[]>();
  for (const [prefix, places] of byPrefix) {
    const start = places.has(0) ? 0 : 1;
    const group = Array.from({ length: places.size }, (_, i) => places.get(start + i)).filter((at) => at !== undefined);
    if (group.length > 1 && group.length === places.size) groups.set(`${prefix}*`, group);
  }
  const grouped = new Set([...groups.values()].flat());
  const single = names.flatMap((name, place) => (grouped.has(place) ? [] : [[name, place] as const]));
  return { single, groups };
}

function cellsOf(record: readonly string[], { single, groups }: Columns): Map<string, unknown> {
  const cells = new Map<string, unknown>();
  for (const [name, places] of groups)
    cells.set(
      name,
      places.map((place) => record[place]),
    );
  for (const [name, place] of single) cells.set(name, record[place]);
  return cells;
}

function csvError(error: unknown, file: string): unknown {
  if (!(error instanceof CsvError)) return error;
  const line = typeof error.lines === 'number' ? `line ${error.lines}` : 'a line';
  const why = CSV_FAULTS[error.code] ?? error.message;
  const cutOff = error.code === 'CSV_QUOTE_NOT_CLOSED';
  return new NextvecError(cutOff ? 'ARCHIVE_TRUNCATED' : 'ARCHIVE_DAMAGED', `${file}: ${line} ${why}.`, {
    remedy: 'Repair the line, or write the file again.',
    cause: error,
  });
}

const CSV_FAULTS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'has not as many fields as the first',
  CSV_RECORD_INCONSISTENT_COLUMNS: 'has not as many fields as the first',
  CSV_QUOTE_NOT_CLOSED: 'opens a quote that is not closed',
  CSV_MAX_RECORD_SIZE: 'is too long',
  INVALID_OPENING_QUOTE: 'has a quote inside a field',
  CSV_INVALID_CLOSING_QUOTE: 'has a character after a closing quote',
};

function refused(file: string, what: string, remedy: string): NextvecError {
  return new NextvecError('HEADER_MISMATCH', `${file} ${what}.`, { remedy });
}
