/** Writes the files of a stored data set beside its vectors and texts, each synced. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { asBytes, writeAll } from '../../formats/columns/array-bytes.ts';
import type { DataFile } from '../../formats/columns/table.ts';
import type { Layout } from './layout.ts';
import type { ReadData } from './read-data.ts';
import { FILES, type StoreMeta } from '../store-files.ts';
import { BYTES_PER_ELEMENT, type StoreDType, type VectorSums } from '../vector-store.ts';

/** CRC-32 of each file written, by its name. */
export function writeColumns(folder: string, data: ReadData, sums: VectorSums): Record<string, number> {
  const files: [string, NodeJS.ArrayBufferView[]][] = [
    [FILES.windows, [data.index]],
    [FILES.vectorArticles, [data.vectorArticles]],
    [FILES.squares, [sums.squares]],
  ];
  if (data.windowArticles) files.push([FILES.windowArticles, [data.windowArticles]]);
  if (data.articleLabels) files.push([FILES.articles, [data.articleLabels]]);
  if (data.chunks) files.push([FILES.chunks, [data.chunks.ids, data.chunks.articles]]);
  return Object.fromEntries(files.map(([name, parts]) => [name, writeFile(folder, name, parts)]));
}

/** Writes a new file, synced. Returns its CRC-32. */
export function writeFile(folder: string, name: string, parts: readonly NodeJS.ArrayBufferView[]): number {
  let checksum = 0;
  const fd = openSync(join(folder, name), 'wx');
  try {
    let position = 0;
    for (const part of parts) {
      writeAll(fd, part, position);
      checksum = crc32(asBytes(part), checksum);
      position += part.byteLength;
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return checksum;
}

export interface Filled {
  readonly source: DataFile;
  readonly layout: Layout;
  readonly dtype: StoreDType;
  readonly data: ReadData;
  readonly passport: Passport;
  readonly checksums: Readonly<Record<string, number>>;
}

export function writeMeta(folder: string, { source, layout, dtype, data, passport, checksums }: Filled): StoreMeta {
  const { vectors } = passport;
  const columns = [
    data.index,
    data.vectorArticles,
    data.windowArticles,
    data.articleLabels,
    data.chunks?.ids,
    data.chunks?.articles,
  ];
  const figureBytes = 3 * (data.articleLabels?.byteLength ?? 0);
  const columnBytes = columns.reduce((sum, column) => sum + (column?.byteLength ?? 0), 8 * vectors + figureBytes);
  const meta: StoreMeta = {
    format: 'nextvec-dataset',
    version: 1,
    kind: layout.kind,
    dtype,
    D: layout.D,
    T: data.T,
    vectors,
    windows: data.index.length / (data.T + 1),
    fileVectors: data.fileVectors,
    chunks: data.chunks?.ids.length ?? 0,
    articles: data.articleLabels?.length ?? null,
    splits: data.splits.map((split) => ({ ...split })),
    source: { name: basename(source.path), bytes: source.bytes, sha256: passport.sha256, path: resolve(source.path) },
    checksums,
    storedBytes: vectors * layout.D * BYTES_PER_ELEMENT[dtype] + columnBytes + (passport.texts?.storedBytes ?? 0),
    passport,
  };
  writeFile(folder, FILES.meta, [Buffer.from(JSON.stringify(meta, null, 1))]);
  syncFolder(folder);
  return meta;
}

/** The data set is in place by now; a file system that cannot sync a folder is no reason to fail. */
export function syncRename(folder: string): void {
  try {
    syncFolder(dirname(folder));
  } catch {
    // Nothing to undo.
  }
}

/** So that the rename itself survives a power cut; not possible on Windows, where it is not needed. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
