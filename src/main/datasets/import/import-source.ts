/** The columns an import reads: of files that have columns, or of files of rows, whose wanted columns are written to a folder first. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import { openDataFile } from '../../formats/open.ts';
import { openSource } from '../../formats/open-source.ts';
import type { RowFile, WantedColumn } from '../../formats/rows/row-file.ts';
import { filesOf, joinFiles } from '../../formats/shards.ts';
import type { DataFile } from '../../formats/columns/table.ts';
import { chooseColumns, describeColumns, noColumn, TEXT_NAMES } from './columns.ts';
import { windowColumns } from './layout.ts';
import type { ImportProgress } from './progress.ts';

export interface SourceOptions {
  readonly mapping: Mapping;
  readonly texts?: boolean;
  readonly textColumn?: string;
  /** Where columns are written, if they are; the caller removes it. */
  readonly folder: string;
  readonly progress: ImportProgress;
  readonly signal?: AbortSignal;
}

export interface OpenedColumns {
  readonly file: DataFile;
  /** As it was given, or with what was guessed. */
  readonly mapping: Mapping;
  /** Column of the texts; null: none is known. */
  readonly texts: string | null;
}

/** Of a file, or of the files of a folder, one after the other. The caller closes it. */
export async function openColumns(path: string, options: SourceOptions): Promise<OpenedColumns> {
  const paths = await filesOf(path);
  const first = await openSource(paths[0]);
  if (first.kind === 'rows') return convertFiles(path, paths, first.file, options);
  const files = [first.file];
  try {
    for (const other of paths.slice(1)) files.push(await openDataFile(other));
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  const file = paths.length > 1 ? joinFiles(path, files) : first.file;
  return { file, mapping: options.mapping, texts: textColumnOf(file, options) };
}

function textColumnOf({ names }: DataFile, { textColumn }: SourceOptions): string | null {
  return textColumn ?? TEXT_NAMES.find((name) => names.includes(name)) ?? null;
}

/** The mapping is that of the first file. */
async function convertFiles(
  path: string,
  paths: readonly string[],
  first: RowFile,
  options: SourceOptions,
): Promise<OpenedColumns> {
  const { folder, progress, signal } = options;
  const { sample } = first;
  const texts = textColumnOf(sample, options);
  if (texts !== null && !sample.names.includes(texts)) throw noColumn(sample, texts);
  const { mapping, wanted } = await mapRows(sample, texts, options);
  progress.converting(await bytesOf(paths));
  const files: DataFile[] = [];
  try {
    for (const [number, other] of paths.entries()) {
      const source = number === 0 ? ({ kind: 'rows', file: first } as const) : await openSource(other);
      if (source.kind === 'columns') {
        await source.file.close();
        throw new NextvecError('BAD_INPUT', `${other} is of another kind than ${paths[0]}.`, {
          remedy: 'Choose a folder with files of one kind.',
        });
      }
      const target = join(folder, String(number));
      await mkdir(target, { recursive: true });
      files.push(await source.file.convert(wanted, target, { signal, onBytes: (bytes) => progress.add(bytes) }));
    }
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  return { file: paths.length > 1 ? joinFiles(path, files) : files[0], mapping, texts };
}

interface MappedRows {
  readonly mapping: Mapping;
  readonly wanted: WantedColumn[];
}

/** Windows where the rows hold them and no column is named, else chunks. */
async function mapRows(sample: DataFile, texts: string | null, options: SourceOptions): Promise<MappedRows> {
  const { mapping } = options;
  const described = await describeColumns(sample);
  const windows = Object.values(mapping).every((part) => part === null) ? windowColumns(described.columns) : null;
  if (windows) return { mapping, wanted: windows };
  const found = chooseColumns(sample, described, mapping);
  const chosen = { ...mapping, ...found, order: found.order ?? false } as const;
  return { mapping: chosen, wanted: wantedColumns(chosen, texts, options) };
}

async function bytesOf(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) bytes += (await stat(path)).size;
  return bytes;
}

function wantedColumns(
  { vector, article, order, articles }: Mapping,
  texts: string | null,
  options: SourceOptions,
): WantedColumn[] {
  const wanted = new Map<string, WantedColumn['as']>();
  if (texts !== null && (options.texts !== false || articles?.by === 'prefix')) wanted.set(texts, 'texts');
  // Rows below may name articles where the first ones number them.
  if (article !== null) wanted.set(article, 'texts');
  if (order) wanted.set(order, 'integers');
  if (vector !== null) wanted.set(vector, 'floats');
  return [...wanted].map(([name, as]) => ({ name, as }));
}
