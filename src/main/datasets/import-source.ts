/** The columns an import reads: of a file that has columns, or of one of rows, whose wanted columns are written to a folder first. */
import { mkdir } from 'node:fs/promises';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import { openSource } from '../formats/open-source.ts';
import type { RowFile, WantedColumn } from '../formats/rows/row-file.ts';
import type { DataFile } from '../formats/table.ts';
import { chooseColumns, describeColumns, noColumn, TEXT_NAMES } from './columns.ts';
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

/** The caller closes the file. */
export async function openColumns(path: string, options: SourceOptions): Promise<OpenedColumns> {
  const { kind, file } = await openSource(path);
  if (kind === 'rows') return convertRows(file, options);
  return { file, mapping: options.mapping, texts: textColumnOf(file, options) };
}

function textColumnOf({ names }: DataFile, { textColumn }: SourceOptions): string | null {
  return textColumn ?? TEXT_NAMES.find((name) => names.includes(name)) ?? null;
}

async function convertRows(rows: RowFile, options: SourceOptions): Promise<OpenedColumns> {
  const { folder, progress, signal } = options;
  const { sample } = rows;
  const texts = textColumnOf(sample, options);
  if (texts !== null && !sample.names.includes(texts)) throw noColumn(sample, texts);
  const chosen = chooseColumns(sample, await describeColumns(sample), options.mapping);
  const mapping = { ...options.mapping, ...chosen };
  await mkdir(folder, { recursive: true });
  progress.converting(rows.bytes);
  const file = await rows.convert(wantedColumns(mapping, texts, options), folder, {
    signal,
    onBytes: (bytes) => progress.add(bytes),
  });
  return { file, mapping, texts };
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
  if (order !== null) wanted.set(order, 'integers');
  if (vector !== null) wanted.set(vector, 'floats');
  return [...wanted].map(([name, as]) => ({ name, as }));
}
