/**
 * A stored data set opened for use: its windows and articles in memory, its vectors in shared memory when they fit a
 * budget, else read from disk as they are needed. N windows, T context length, D width, V distinct vectors.
 */
import { closeSync, existsSync, readSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { SharedVectors, WindowSource } from '#engine/types.ts';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import { asBytes } from '../formats/columns/array-bytes.ts';
import { halfToFloat } from '../formats/columns/half.ts';
import { openRegularFileSync } from '../formats/files/regular-file.ts';
import { damagedFile, FILES, readMeta, type StoreMeta } from './store-files.ts';
import { openTexts, type TextReader } from './texts/text-store.ts';
import { VectorReader } from './vector-reader.ts';
import { BYTES_PER_ELEMENT } from './vector-store.ts';
import { readColumn, refuseOther, verifyFile } from './measures/verify.ts';

export interface Dataset extends Disposable {
  readonly folder: string;
  readonly meta: StoreMeta;
  readonly T: number;
  readonly D: number;
  readonly windows: number;
  /** Distinct vectors of the file; those after them are derived. */
  readonly fileVectors: number;
  /** [N, T+1] vector ids, target last. */
  readonly index: Uint32Array<SharedArrayBuffer>;
  /** Dense article of each window's target; null: not known. */
  readonly windowArticles: Int32Array | null;
  /** Dense article of each vector, or UNKNOWN_ARTICLE or SEVERAL_ARTICLES. */
  readonly vectorArticles: Int32Array;
  /** Article number in the file of each dense article; null: not known. */
  readonly articleLabels: Float64Array | null;
  /** Σ x² of each vector. */
  readonly squares: Float64Array;
  /** Chunks in reading order, of a chunks file. */
  readonly chunks: { readonly ids: Uint32Array; readonly articles: Int32Array } | null;
  /** Texts by vector; opened on the first call. */
  texts(): TextReader;
  /** The vectors on disk, once `vectors.bin` has been verified. Throws STORE_DAMAGED. */
  verified(): Promise<VectorReader>;
  /** Training rows for an engine; `windowIds` restricts and renumbers the windows. */
  source(windowIds?: Uint32Array, options?: SourceOptions): Promise<WindowSource>;
  close(): void;
}

export interface SourceOptions {
  /** Vectors up to this size are kept in shared memory; default 0.4 of the machine's memory. 0: always from disk. */
  readonly memoryBytes?: number;
  /** Bytes of one shared segment; default 256 MiB. */
  readonly segmentBytes?: number;
  readonly signal?: AbortSignal;
  /**
   * Called on damage found while vectors on disk are verified in the background. Absent: they are verified before use.
   * Vectors in memory are verified as they are read.
   */
  readonly onDamage?: (error: unknown) => void;
}

const SEGMENT_BYTES = 256 << 20;
const MEMORY_SHARE = 0.4;
const READ_BYTES = 8 << 20;

export function openDataset(folder: string): Dataset {
  const meta = readMeta(folder);
  const { T, D, vectors, windows } = meta;
  const path = (name: string): string => join(folder, name);
  const index = readIndex(path(FILES.windows), windows * (T + 1), meta);
  const known = existsSync(path(FILES.articles));
  const chunkColumns = meta.chunks > 0 ? readColumn(path(FILES.chunks), meta.chunks * 8, meta) : null;
  const columns = {
    windowArticles: known ? new Int32Array(readColumn(path(FILES.windowArticles), windows * 4, meta)) : null,
    vectorArticles: new Int32Array(readColumn(path(FILES.vectorArticles), vectors * 4, meta)),
    articleLabels: known ? new Float64Array(readColumn(path(FILES.articles), (meta.articles ?? 0) * 8, meta)) : null,
    squares: new Float64Array(readColumn(path(FILES.squares), vectors * 8, meta)),
    chunks: chunkColumns && {
      ids: new Uint32Array(chunkColumns, 0, meta.chunks),
      articles: new Int32Array(chunkColumns, meta.chunks * 4, meta.chunks),
    },
  };
  refuseBadIds(index, meta, folder);
  const reader = new VectorReader(path(FILES.vectors), D, vectors, meta.dtype);
  const dataset = { folder, meta, T, D, windows, fileVectors: meta.fileVectors ?? vectors, index, ...columns };
  let check: Promise<void> | null = null;
  const verified = async (): Promise<VectorReader> => {
    await (check ??= verifyFile(reader.path, meta));
    return reader;
  };
  let texts: TextReader | null = null;
  const close = (): void => {
    texts?.close();
    reader.close();
  };
  return {
    ...dataset,
    texts: () => (texts ??= openTexts(folder, meta)),
    verified,
    source: (windowIds, options) => openSource({ ...dataset, reader, verified }, windowIds, options),
    close,
    [Symbol.dispose]: close,
  };
}

/** The same set with its verified vectors. Throws STORE_DAMAGED. */
export async function withVectors<Data extends Pick<Dataset, 'verified'>>(
  data: Data,
): Promise<Data & { readonly reader: VectorReader }> {
  return { ...data, reader: await data.verified() };
}

type SourceParts = Pick<Dataset, 'T' | 'D' | 'index' | 'meta' | 'verified'> & { readonly reader: VectorReader };

async function openSource(
  dataset: SourceParts,
  windowIds: Uint32Array | undefined,
  options: SourceOptions = {},
): Promise<WindowSource> {
  const { T, D, reader, meta } = dataset;
  const index = windowIds ? selectWindows(dataset.index, windowIds, T) : dataset.index;
  const windows = index.length / (T + 1);
  const bytes = reader.vectors * D * BYTES_PER_ELEMENT[reader.dtype];
  const budget = options.memoryBytes ?? totalmem() * MEMORY_SHARE;
  if (bytes > budget) {
    const verified = dataset.verified();
    if (options.onDamage) verified.catch(options.onDamage);
    else await verified;
    const paged = { dtype: reader.dtype, file: reader.path, vectors: reader.vectors, index: index.buffer };
    return { windows, T, D, gather: pagedGather(reader, index, T), paged };
  }
  const shared = await loadShared(reader, index, meta, options);
  return { windows, T, D, gather: sharedGather(shared, T, D), shared };
}

function selectWindows(index: Uint32Array, ids: Uint32Array, T: number): Uint32Array<SharedArrayBuffer> {
  const width = T + 1;
  const selected = new Uint32Array(new SharedArrayBuffer(ids.length * width * 4));
  for (let i = 0; i < ids.length; i++) selected.set(index.subarray(ids[i] * width, (ids[i] + 1) * width), i * width);
  return selected;
}

/** Vectors of a batch straight from the file; consecutive ids cost one read. */
function pagedGather(reader: VectorReader, index: Uint32Array, T: number): WindowSource['gather'] {
  const { D } = reader;
  const rows = new Float32Array((T + 1) * D);
  return (ids, contexts, targets) => {
    for (let i = 0; i < ids.length; i++) {
      reader.gather(index.subarray(ids[i] * (T + 1), (ids[i] + 1) * (T + 1)), rows);
      contexts.set(rows.subarray(0, T * D), i * T * D);
      targets.set(rows.subarray(T * D), i * D);
    }
  };
}

function sharedGather(shared: SharedVectors, T: number, D: number): WindowSource['gather'] {
  const index = new Uint32Array(shared.index);
  const copy = rowCopier(shared, D);
  return (ids, contexts, targets) => {
    for (let i = 0; i < ids.length; i++) {
      const at = ids[i] * (T + 1);
      for (let t = 0; t < T; t++) copy(index[at + t], contexts, (i * T + t) * D);
      copy(index[at + T], targets, i * D);
    }
  };
}

function rowCopier(shared: SharedVectors, D: number): (id: number, out: Float32Array, outStart: number) => void {
  const { segmentRows } = shared;
  if (shared.dtype === 'float16') {
    const segments = shared.segments.map((segment) => new Uint16Array(segment));
    return (id, out, outStart) =>
      halfToFloat(segments[Math.floor(id / segmentRows)], (id % segmentRows) * D, out, outStart, D);
  }
  const segments = shared.segments.map((segment) => new Float32Array(segment));
  return (id, out, outStart) => {
    const start = (id % segmentRows) * D;
    out.set(segments[Math.floor(id / segmentRows)].subarray(start, start + D), outStart);
  };
}

/** Loads all vectors into segments and verifies them, yielding to the event loop every few megabytes. */
async function loadShared(
  reader: VectorReader,
  index: Uint32Array<SharedArrayBuffer>,
  meta: StoreMeta,
  { segmentBytes = SEGMENT_BYTES, signal }: SourceOptions,
): Promise<SharedVectors> {
  const rowBytes = reader.D * BYTES_PER_ELEMENT[reader.dtype];
  const segmentRows = Math.max(1, Math.min(reader.vectors, Math.floor(segmentBytes / rowBytes)));
  const stepRows = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  const segments: SharedArrayBuffer[] = [];
  let checksum = 0;
  for (let first = 0; first < reader.vectors; first += segmentRows) {
    const rows = Math.min(segmentRows, reader.vectors - first);
    const segment = new SharedArrayBuffer(rows * rowBytes);
    for (let r = 0; r < rows; r += stepRows) {
      const part = Math.min(stepRows, rows - r);
      const bytes = new Uint8Array(segment, r * rowBytes, part * rowBytes);
      reader.readRaw(first + r, part, bytes);
      checksum = crc32(bytes, checksum);
      await nextTurn();
      throwIfCancelled(signal, 'Loading the data set');
    }
    segments.push(segment);
  }
  refuseOther(reader.path, checksum, meta);
  return { dtype: reader.dtype, segments, segmentRows, index: index.buffer };
}

function readIndex(path: string, count: number, meta: StoreMeta): Uint32Array<SharedArrayBuffer> {
  const index = new Uint32Array(new SharedArrayBuffer(count * 4));
  const fd = openFile(path, meta);
  try {
    for (let done = 0; done < index.byteLength;) {
      const read = readSync(fd, index, done, index.byteLength - done, done);
      if (read === 0) throw damagedFile(path, 'it is too short', meta.source);
      done += read;
    }
  } finally {
    closeSync(fd);
  }
  refuseOther(path, crc32(asBytes(index)), meta);
  return index;
}

function openFile(path: string, { source }: StoreMeta): number {
  try {
    return openRegularFileSync(path).fd;
  } catch (error) {
    throw damagedFile(path, 'it cannot be opened', source, error);
  }
}

function refuseBadIds(index: Uint32Array, { vectors, source }: StoreMeta, folder: string): void {
  for (let i = 0; i < index.length; i++) {
    if (index[i] < vectors) continue;
    throw damagedFile(join(folder, FILES.windows), `entry ${i} names vector ${index[i]}`, source);
  }
}
