/** A folder of files that together are one: their columns one after the other. R rows of all files. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { nameList } from '#shared/domain/short-text.ts';
import { columnOf } from './columns/column.ts';
import { huggingFaceFiles } from './hugging-face.ts';
import { isSideFile } from './npy/side-files.ts';
import { existingFile } from './files/regular-file.ts';
import type { Column, DataFile, ReadOptions, RowBlock, Text } from './columns/table.ts';

const MOST_FILES = 4096;
/** Files of data by name; others of the folder (readme, licence, metadata) are left alone, and so are links, which may lead out of the folders that a host may read. */
const DATA =
  /\.(npz|npy|safetensors|parquet|arrow|arrows|feather|ipc|h5|hdf5|((jsonl|ndjson|csv|tsv)(\.(gz|zst|zstd))?))$/i;

/**
 * The path itself; the files of a folder, or those whose names match a pattern (`part-*.npz`), in the order of their numbers.
 * Throws for a folder without data, or with data of several kinds.
 */
export async function filesOf(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory()) return filesOfFolder(path);
  return info === null && isPattern(path) ? filesOfPattern(path) : [path];
}

async function filesOfFolder(folder: string): Promise<string[]> {
  const listed = huggingFaceFiles(folder);
  if (listed) return listed;
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.') && DATA.test(entry.name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `"${name}"`);
  if (names.length === 0) {
    throw refused(
      folder,
      'is a folder without files of data',
      folders.length > 0
        ? `Choose one of its folders: ${nameList(folders)}.`
        : 'Choose a folder with files of one kind, or a file.',
    );
  }
  return inOrder(
    folder,
    names.map(({ name }) => name),
  );
}

/** `*` and `?` in the name of the file; folders are named as they are. */
async function filesOfPattern(path: string): Promise<string[]> {
  const folder = dirname(path);
  const wildcards = basename(path)
    .replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  const pattern = new RegExp(`^${wildcards}$`);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile() && pattern.test(entry.name)).map(({ name }) => name);
  if (names.length === 0) {
    throw new NextvecError('FILE_NOT_FOUND', `No file matches ${path}.`, {
      remedy: 'Check the pattern: * and ? stand for characters of the name of a file, not of a folder.',
      details: { place: path },
    });
  }
  return inOrder(folder, names);
}

export function isPattern(path: string): boolean {
  return /[*?]/.test(basename(path));
}

/** The absolute path of a file or folder that exists, or of a pattern. Throws FILE_NOT_FOUND. */
export function existingData(path: string): string {
  return isPattern(path) ? resolve(path) : existingFile(path);
}

function inOrder(folder: string, found: readonly string[]): string[] {
  const all = new Set(found);
  const names = found.filter((name) => !isSideFile(name, all));
  const kinds = new Set(names.map((name) => extname(name).toLowerCase()));
  if (kinds.size > 1) {
    const remedy = 'Choose a file, a folder with files of one kind, or a pattern such as "part-*.npz".';
    throw refused(folder, `holds files of several kinds (${[...kinds].join(', ')})`, remedy);
  }
  if (names.length > MOST_FILES) {
    throw refused(folder, `holds ${names.length} files, more than ${MOST_FILES}`, 'Join some of them.');
  }
  return names.toSorted(new Intl.Collator('en', { numeric: true }).compare).map((name) => join(folder, name));
}

function refused(path: string, what: string, remedy: string): NextvecError {
  return new NextvecError('FILE_UNREADABLE', `${path} ${what}.`, { remedy, details: { place: path } });
}

/** One file of the columns of all, which must have the columns that are read. Closing it closes them. `path`: of the folder. */
export function joinFiles(path: string, files: readonly DataFile[]): DataFile {
  const [{ format, names }] = files;
  return {
    path,
    format,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    names,
    parts: files.flatMap((file) => file.parts ?? [file.path]),
    column: (name) => joinColumns(files, name),
    async close() {
      for (const file of files) await file.close();
    },
  };
}

/** The column of each file. Throws where a file lacks it or has another type or width. */
async function columnsOf(files: readonly DataFile[], name: string): Promise<Column[]> {
  const columns: Column[] = [];
  // The array of a .npy file has the name of its file.
  const isOwnArray = files[0].format === 'npy' && name === files[0].names[0];
  for (const file of files) {
    const own = isOwnArray ? file.names[0] : name;
    if (!file.names.includes(own)) {
      throw new NextvecError(
        'NO_KNOWN_ARRAYS',
        `${basename(file.path)} has no column "${name}", which ${basename(files[0].path)} has.`,
        {
          remedy: 'Choose a folder whose files have the same columns.',
        },
      );
    }
    const column = await file.column(own);
    refuseOtherShape(column, columns[0] ?? column);
    columns.push(column);
  }
  return columns;
}

async function joinColumns(files: readonly DataFile[], name: string): Promise<Column> {
  const columns = await columnsOf(files, name);
  const [first] = columns;
  const sum = (of: (column: Column) => number): number => columns.reduce((total, column) => total + of(column), 0);
  const rows = sum(({ shape }) => shape[0]);
  const facts = {
    name,
    place: first.place,
    dtype: first.dtype,
    shape: [rows, ...first.shape.slice(1)],
    partRows: columns.map(({ shape }) => shape[0]),
    bytes: sum(({ bytes }) => bytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
    async verify(options?: ReadOptions) {
      for (const column of columns) await column.verify(options);
    },
  };
  const can = (reading: Column['readableAs'][number]): boolean => columns.every((c) => c.readableAs.includes(reading));
  return columnOf(facts, {
    ...(can('floats') ? { rows: (options) => joinRows(columns, options) } : {}),
    ...(can('integers') ? { integers: (options) => joinIntegers(columns, rows, options) } : {}),
    ...(can('texts') ? { texts: (options) => joinTexts(columns, options) } : {}),
  });
}

function refuseOtherShape(column: Column, first: Column): void {
  const rowShape = (c: Column): string => c.shape.slice(1).join(' × ');
  if (column.shape.length > 0 && rowShape(column) === rowShape(first) && column.dtype === first.dtype) return;
  const words = (c: Column): string => `${c.dtype}${c.shape.length > 1 ? ` [${rowShape(c)}]` : ''}`;
  throw new NextvecError(
    'WIDTH_MISMATCH',
    `${column.place} is ${words(column)}, but ${first.place} is ${words(first)}.`,
    {
      remedy: 'Choose a folder whose files have columns of the same type and width.',
    },
  );
}

async function* joinRows(columns: readonly Column[], options?: ReadOptions): AsyncGenerator<RowBlock, void> {
  let before = 0;
  for (const column of columns) {
    for await (const block of column.rows(options)) yield { ...block, firstRow: before + block.firstRow };
    before += column.shape[0];
  }
}

async function joinIntegers(columns: readonly Column[], rows: number, options?: ReadOptions): Promise<Float64Array> {
  const all = new Float64Array(rows);
  let before = 0;
  for (const column of columns) {
    all.set(await column.integers(options), before);
    before += column.shape[0];
  }
  return all;
}

async function* joinTexts(columns: readonly Column[], options?: ReadOptions): AsyncGenerator<readonly Text[], void> {
  for (const column of columns) yield* column.texts(options);
}
