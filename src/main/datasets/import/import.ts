/**
 * Import of a file into a stored data set: into a temporary folder beside the destination, synced, then renamed, so that
 * a refused, failed or cancelled import leaves nothing behind. It yields to the event loop between blocks.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NextvecError, isNextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { NO_MAPPING, type Mapping } from '#shared/domain/datasets/mapping.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { HISTORY_INPUTS } from '#shared/domain/datasets/task.ts';
import { codeOf } from '#shared/domain/thrown.ts';
import { openRegularFile } from '../../formats/files/regular-file.ts';
import { elementsOf, type Column, type DataFile } from '../../formats/columns/table.ts';
import { figureRows, measureArticles } from '../measures/article-table.ts';
import { contentHash } from '../measures/content-hash.ts';
import { openColumns } from './import-source.ts';
import { columnsOf, recogniseLayout, type Layout } from './layout.ts';
import { measurePassport } from '../measures/measure.ts';
import { readData } from './import-plan.ts';
import { ImportProgress, type ProgressListener } from './progress.ts';
import type { ReadData } from './read-data.ts';
import { FILES, type StoreMeta } from '../store-files.ts';
import { syncRename, writeColumns, writeFile, writeMeta } from './store-writer.ts';
import { importTexts } from '../texts/import-texts.ts';
import { VectorReader } from '../vector-reader.ts';
import { VectorStoreWriter, type StoreDType, type VectorSums } from '../vector-store.ts';

export interface ImportOptions {
  /** Element type of the stored vectors; default: float16 for a float16 file, else float32. */
  readonly dtype?: StoreDType;
  /** Windows built from chunks may cross articles; default false. */
  readonly crossArticles?: boolean;
  /** Chunks of a context of windows built from chunks; default 5. */
  readonly T?: number | null;
  /** Windows built from chunks also read the mean of up to so many chunks before them and of the article so far; default: none. */
  readonly history?: number | null;
  /** Chunks from the start of one window to that of the next, of windows built from chunks; default 1. */
  readonly stride?: number;
  /** Scale vectors to length 1; default false. */
  readonly normalise?: boolean;
  /** Columns of the file; default: found by name and type. */
  readonly mapping?: Mapping;
  /** Keep the texts of the file; default true. */
  readonly texts?: boolean;
  /** Column of the texts; default: one with a known name. */
  readonly textColumn?: string;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

export interface ImportResult {
  readonly folder: string;
  readonly meta: StoreMeta;
  readonly passport: Passport;
  readonly storedBytes: number;
}

/** Stands in the names of folders that the next start removes. */
export const TEMPORARY = '.importing-';

/** Imports `file` into the new folder `destFolder`. */
export async function importDataset(
  file: string,
  destFolder: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  if (existsSync(destFolder)) throw new NextvecError('CONFLICT', `The folder ${destFolder} is already there.`);
  const temporary = `${destFolder}${TEMPORARY}${randomUUID().slice(0, 8)}`;
  const columnsFolder = `${temporary}-columns`;
  const progress = new ImportProgress(options.onProgress);
  let source: DataFile | null = null;
  try {
    const { mapping = NO_MAPPING, signal } = options;
    const opened = await openColumns(file, { ...options, mapping, folder: columnsFolder, progress, signal });
    source = opened.file;
    const layout = await recogniseLayout(source, opened.mapping, opened.texts);
    await mkdir(temporary, { recursive: true });
    const meta = await fillFolder(source, layout, temporary, { ...options, progress });
    await rename(temporary, destFolder);
    syncRename(destFolder);
    return { folder: destFolder, meta, passport: meta.passport, storedBytes: meta.storedBytes };
  } catch (error) {
    throw asFileError(error, destFolder);
  } finally {
    await source?.close();
    for (const folder of [temporary, columnsFolder]) await rm(folder, { recursive: true, force: true });
  }
}

/** Removes leftovers of killed imports from the folder of data sets. */
export async function sweepUnfinishedImports(parent: string): Promise<number> {
  const names = existsSync(parent) ? await readdir(parent) : [];
  const unfinished = names.filter((name) => name.includes(TEMPORARY));
  for (const name of unfinished) await rm(join(parent, name), { recursive: true, force: true });
  return unfinished.length;
}

async function fillFolder(
  source: DataFile,
  layout: Layout,
  folder: string,
  options: ImportOptions & { readonly progress: ImportProgress },
): Promise<StoreMeta> {
  const dtype = options.dtype ?? naturalDType(layout);
  const { progress } = options;
  progress.reading(vectorBytes(layout));
  const writer = new VectorStoreWriter(join(folder, FILES.vectors), layout.D, dtype, vectorCount(layout, options));
  const data = await writeVectors(layout, writer, folder, progress, options);
  const sums = writer.vectorSums();
  const { signal, textColumn = null } = options;
  const texts =
    options.texts === false ? null : await importTexts(source, layout, data, folder, { textColumn, signal });
  const checksums = { [FILES.vectors]: writer.checksum, ...writeColumns(folder, data, sums), ...texts?.checksums };
  const sha256 = await hashFile(source, progress, signal);
  const reader = new VectorReader(join(folder, FILES.vectors), layout.D, writer.vectors, dtype);
  try {
    progress.measuring(data.index.length / (data.T + 1));
    const onDone = (count: number): void => progress.add(count);
    const measured = await measurePassport(data, sums, reader, sha256, { signal, onDone });
    const contentSha256 = contentHash(layout.D, dtype, writer.digest(), data);
    const columns = layout.kind === 'chunks' ? { columns: columnsOf(layout, texts?.figures.from[0]) } : {};
    const passport = { ...measured, contentSha256, texts: texts?.figures ?? null, ...columns };
    const figures = await writeArticleFigures(folder, data, sums, reader, signal);
    return writeMeta(folder, { source, layout, dtype, data, passport, checksums: { ...checksums, ...figures } });
  } finally {
    reader.close();
  }
}

/** The CRC-32 of the file by its name; nothing is written where articles are not known. */
async function writeArticleFigures(
  folder: string,
  data: ReadData,
  { squares }: VectorSums,
  reader: VectorReader,
  signal: AbortSignal | undefined,
): Promise<Record<string, number>> {
  if (!data.articleLabels) return {};
  const figures = await measureArticles({ ...data, squares, verified: () => Promise.resolve(reader) }, { signal });
  return { [FILES.articleFigures]: writeFile(folder, FILES.articleFigures, figureRows(figures)) };
}

async function writeVectors(
  layout: Layout,
  writer: VectorStoreWriter,
  folder: string,
  progress: ImportProgress,
  options: ImportOptions,
): Promise<ReadData> {
  try {
    const data = await readData(layout, writer, {
      T: options.T ?? null,
      crossArticles: options.crossArticles ?? false,
      history: options.history ?? null,
      stride: options.stride ?? 1,
      normalise: options.normalise ?? false,
      signal: options.signal,
      scratchFolder: folder,
      onBytes: (bytes) => progress.add(bytes),
    });
    await writer.finish();
    return data;
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

function naturalDType(layout: Layout): StoreDType {
  return vectorColumns(layout).every(({ dtype }) => dtype === 'float16') ? 'float16' : 'float32';
}

function vectorColumns(layout: Layout): Column[] {
  return layout.kind === 'windows' ? layout.splits.flatMap((s) => [s.contexts, s.targets]) : [layout.vectors];
}

/** Vectors in the file, repeated ones too, and at most so many derived ones. */
function vectorCount(layout: Layout, { history = null }: ImportOptions): number {
  const inFile = vectorColumns(layout).reduce((sum, column) => sum + elementsOf(column) / layout.D, 0);
  return history === null ? inFile : (1 + HISTORY_INPUTS) * inFile;
}

function vectorBytes(layout: Layout): number {
  return vectorColumns(layout).reduce((sum, column) => sum + column.bytes, 0);
}

/** SHA-256 of the file; of several, of their bytes one after the other. */
async function hashFile(
  { path, bytes, parts = [path] }: DataFile,
  progress: ImportProgress,
  signal: AbortSignal | undefined,
): Promise<string> {
  progress.hashing(bytes);
  const hash = createHash('sha256');
  const chunk = new Uint8Array(1 << 20);
  for (const part of parts) {
    const { handle } = await openRegularFile(part);
    try {
      for (let read = (await handle.read(chunk)).bytesRead; read > 0; read = (await handle.read(chunk)).bytesRead) {
        hash.update(chunk.subarray(0, read));
        progress.add(read);
        throwIfCancelled(signal, 'The import');
      }
    } finally {
      await handle.close();
    }
  }
  return hash.digest('hex');
}

const PERMISSION_ERRORS = new Set(['EACCES', 'EPERM', 'EROFS']);

function asFileError(error: unknown, folder: string): unknown {
  if (isNextvecError(error)) return error;
  const code = codeOf(error) ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NextvecError('DISK_FULL', `The disk of ${dirname(folder)} is full; nothing was stored.`, {
      remedy: 'Free some space, or import with float16, which takes half of it.',
      cause: error,
    });
  }
  if (PERMISSION_ERRORS.has(code)) {
    return new NextvecError('NO_PERMISSION', `Nextvec may not write to ${dirname(folder)} (${code}).`, {
      remedy: 'Choose another storage folder or allow writing to this one.',
      cause: error,
    });
  }
  return error;
}
