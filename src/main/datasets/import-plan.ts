/**
 * Reads the columns of a recognised file into a vector store and windows: the part of an import that depends on whether
 * the file holds windows or chunks. N windows, T context length, D width, M chunks. Measures and writes nothing else.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, isNextvecError, throwIfCancelled, type ErrorCode } from '#shared/domain/errors.ts';
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import { DEFAULT_CONTEXT, HISTORY_INPUTS } from '#shared/domain/datasets/task.ts';
import { elementsOf, type Column } from '../formats/table.ts';
import { addHistory } from './history.ts';
import type { Layout, WindowColumns } from './layout.ts';
import { SEVERAL_ARTICLES, UNKNOWN_ARTICLE } from './store-files.ts';
import { isUnusable } from './unusable.ts';
import type { VectorStoreWriter } from './vector-store.ts';
import { readWindowMetadata, type WindowMetadata } from './window-metadata.ts';
import { buildWindows, denseLabels, orderChunks, type OrderedChunks } from './windows.ts';

/** Everything known of a file once its arrays have been read; vectors themselves are in the writer. */
export interface ReadData {
  /** Inputs of a model: chunks of the context, and what precedes them with history. */
  readonly T: number;
  /** [N, T+1] vector ids, target last, split after split. */
  readonly index: Uint32Array<ArrayBuffer>;
  readonly splits: readonly { readonly name: string; readonly first: number; readonly count: number }[];
  /** Dense article of each window's target; null: not known. */
  readonly windowArticles: Int32Array<ArrayBuffer> | null;
  readonly articleLabels: Float64Array<ArrayBuffer> | null;
  /** Dense article of each distinct vector, or UNKNOWN_ARTICLE or SEVERAL_ARTICLES. */
  readonly vectorArticles: Int32Array<ArrayBuffer>;
  readonly crossings: number | null;
  /** As of `ReadOptions`. */
  readonly history: number | null;
  /** Distinct vectors of the file; those after them are derived. */
  readonly fileVectors: number;
  /** Chunks in reading order, of a chunks file. */
  readonly chunks: { readonly ids: Uint32Array<ArrayBuffer>; readonly articles: Int32Array<ArrayBuffer> } | null;
  /** Vector id of each row of a chunks file. */
  readonly fileIds: Uint32Array | null;
  readonly warnings: DataWarning[];
}

export interface ReadOptions {
  /** Chunks of a context of windows built from chunks; null: the default. */
  readonly T: number | null;
  readonly crossArticles: boolean;
  /** Most chunks before a window whose mean it reads, beside that of the article so far; null: no history. */
  readonly history: number | null;
  readonly signal?: AbortSignal;
  readonly scratchFolder: string;
  /** Bytes of array data read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

export function readData(layout: Layout, writer: VectorStoreWriter, options: ReadOptions): Promise<ReadData> {
  return layout.kind === 'windows' ? readWindowData(layout, writer, options) : readChunkData(layout, writer, options);
}

async function readWindowData(
  layout: Extract<Layout, { kind: 'windows' }>,
  writer: VectorStoreWriter,
  options: ReadOptions,
): Promise<ReadData> {
  const { T, splits } = layout;
  refuseChunkOptions(splits[0].contexts, options);
  const N = splits.reduce((sum, split) => sum + split.N, 0);
  const index = new Uint32Array(N * (T + 1));
  const warnings: DataWarning[] = [];
  const metadata: (WindowMetadata | null)[] = [];
  const ranges: { name: string; first: number; count: number }[] = [];
  let first = 0;
  for (const split of splits) {
    metadata.push(await readMetadata(split, warnings, options));
    const at = first * (T + 1);
    await addVectors(split.contexts, writer, options, (vector, id) => {
      index[at + Math.floor(vector / T) * (T + 1) + (vector % T)] = id;
    });
    await addVectors(split.targets, writer, options, (vector, id) => {
      index[at + vector * (T + 1) + T] = id;
    });
    ranges.push({ name: split.split, first, count: split.N });
    first += split.N;
  }
  return {
    T,
    index,
    splits: ranges,
    ...windowArticles(metadata, index, T, writer.vectors),
    history: null,
    fileVectors: writer.vectors,
    chunks: null,
    fileIds: null,
    warnings: [...warnings, ...lossWarnings(writer)],
  };
}

/** Windows are as long as the file has them, and it does not say in which order they follow each other. */
function refuseChunkOptions({ place }: Column, { T, history }: ReadOptions): void {
  if (T === null && history === null) return;
  const what = history === null ? 'its context length is fixed' : 'it does not say what precedes a window';
  throw new NextvecError('BAD_INPUT', `${place}: the file holds windows, not chunks: ${what}.`, {
    remedy:
      'Import the chunks themselves (vectors, article_indices, chunk_indices), or leave out the context length and history.',
    details: { place },
  });
}

async function readMetadata(
  { metadata, N }: WindowColumns,
  warnings: DataWarning[],
  { signal }: ReadOptions,
): Promise<WindowMetadata | null> {
  if (!metadata) return null;
  try {
    return await readWindowMetadata(await metadata(), N, { signal });
  } catch (error) {
    if (!isUnusable(error)) throw error;
    const code = error.code === 'METADATA_REFUSED' ? error.code : 'METADATA_UNUSABLE';
    warnings.push({ code, message: `${error.message} The vectors were loaded without it.`, count: N });
    return null;
  }
}

/** Articles are known only when every split has them. */
function windowArticles(
  metadata: readonly (WindowMetadata | null)[],
  index: Uint32Array,
  T: number,
  V: number,
): Pick<ReadData, 'windowArticles' | 'articleLabels' | 'vectorArticles' | 'crossings'> {
  const vectorArticles = new Int32Array(V).fill(UNKNOWN_ARTICLE);
  const known = metadata.filter((m) => m !== null);
  if (known.length < metadata.length) {
    return { windowArticles: null, articleLabels: null, vectorArticles, crossings: null };
  }
  const { dense, labels } = denseLabels(Float64Array.from(known.flatMap((m) => Array.from(m.articles))));
  for (let w = 0; w < dense.length; w++) setVectorArticle(vectorArticles, index[w * (T + 1) + T], dense[w]);
  const flags = known[0].crossings;
  const crossings = flags ? flags.reduce((sum, flag) => sum + flag, 0) : null;
  return { windowArticles: new Int32Array(dense), articleLabels: new Float64Array(labels), vectorArticles, crossings };
}

function setVectorArticle(vectorArticles: Int32Array, vector: number, article: number): void {
  const before = vectorArticles[vector];
  if (before === UNKNOWN_ARTICLE) vectorArticles[vector] = article;
  else if (before !== article) vectorArticles[vector] = SEVERAL_ARTICLES;
}

async function readChunkData(
  layout: Extract<Layout, { kind: 'chunks' }>,
  writer: VectorStoreWriter,
  options: ReadOptions,
): Promise<ReadData> {
  const { M, vectors } = layout;
  const { history, signal } = options;
  const T = options.T ?? DEFAULT_CONTEXT;
  if (history !== null) refuseHistory(layout, options);
  const articleNumbers = (await layout.articles?.integers({ signal: options.signal })) ?? null;
  const chunkNumbers = (await layout.chunks?.integers({ signal: options.signal })) ?? null;
  const fileIds = new Uint32Array(M);
  await addVectors(vectors, writer, options, (row, id) => {
    fileIds[row] = id;
  });
  const ordered = orderChunks(M, articleNumbers, chunkNumbers);
  const ids = ordered.order ? Uint32Array.from(ordered.order, (row) => fileIds[row]) : fileIds;
  const built = buildWindows(ordered.articles, T, options.crossArticles);
  if (built.starts.length === 0) throw noWindows(vectors, T, M);
  const fileVectors = writer.vectors;
  const { starts } = built;
  const derived =
    history === null
      ? null
      : await addHistory(writer, { ids, articles: ordered.articles, starts, T, K: history }, signal);
  const index = windowIndex(ids, starts, T, derived);
  const vectorArticles = new Int32Array(writer.vectors).fill(UNKNOWN_ARTICLE);
  for (let i = 0; i < M; i++) setVectorArticle(vectorArticles, ids[i], ordered.articles[i]);
  derived?.forEach((id, i) => setVectorArticle(vectorArticles, id, ordered.articles[starts[i >> 1]]));
  return {
    T: index.length / starts.length - 1,
    index,
    history,
    fileVectors,
    splits: [{ name: 'all', first: 0, count: built.starts.length }],
    windowArticles: Int32Array.from(built.starts, (start) => ordered.articles[start + T]),
    articleLabels: new Float64Array(ordered.labels),
    vectorArticles,
    crossings: built.crossings,
    chunks: { ids, articles: new Int32Array(ordered.articles) },
    fileIds,
    warnings: [...chunkWarnings(layout, ordered, built.shortArticles, T), ...lossWarnings(writer)],
  };
}

/** [W, T + 1], with the derived inputs of each window before its context: [W, 2 + T + 1]. */
function windowIndex(
  ids: Uint32Array,
  starts: Uint32Array,
  T: number,
  derived: Uint32Array | null,
): Uint32Array<ArrayBuffer> {
  const inputs = derived ? HISTORY_INPUTS : 0;
  const width = inputs + T + 1;
  const index = new Uint32Array(starts.length * width);
  for (const [w, start] of starts.entries()) {
    if (derived) index.set(derived.subarray(w * inputs, (w + 1) * inputs), w * width);
    index.set(ids.subarray(start, start + T + 1), w * width + inputs);
  }
  return index;
}

/** History lies within an article. */
function refuseHistory({ vectors, articles }: Extract<Layout, { kind: 'chunks' }>, options: ReadOptions): void {
  const refuse = (why: string, remedy: string): never => {
    const { place } = vectors;
    throw new NextvecError('BAD_INPUT', `${place}: ${why}.`, { remedy, details: { place } });
  };
  if (articles === null) {
    refuse(
      'history needs the articles, and the file has no article_indices array',
      'Add article_indices [M], one number an article, or import without history.',
    );
  }
  if (options.crossArticles) {
    refuse('history lies within one article, windows that cross articles have none', 'Leave out one of the two.');
  }
}

function noWindows(vectors: Column, T: number, M: number): NextvecError {
  return new NextvecError('EMPTY', `${vectors.place}: none of the articles of these ${M} chunks has more than ${T}.`, {
    remedy: `A window needs ${T} chunks and the one after them. Choose longer articles, or let windows cross articles.`,
  });
}

function chunkWarnings(
  layout: Extract<Layout, { kind: 'chunks' }>,
  { order, gaps, repeats }: OrderedChunks,
  shortArticles: number,
  T: number,
): DataWarning[] {
  const warnings: DataWarning[] = [];
  if (!layout.articles) {
    const message =
      'There is no article_indices array, so the whole file counts as one article; a split by article is not possible.';
    warnings.push({ code: 'NO_ARTICLES', message, count: layout.M });
  }
  if (order !== null) {
    const message = 'The chunks do not stand in the order of their numbers; they were put in it.';
    warnings.push({ code: 'CHUNKS_REORDERED', message, count: layout.M });
  }
  if (gaps > 0) {
    const message = `Chunk numbers inside an article skip in ${gaps} places; windows go across them.`;
    warnings.push({ code: 'CHUNK_GAPS', message, count: gaps });
  }
  if (repeats > 0) {
    const message = `${repeats} chunks have the article and chunk number of an earlier one, as when files that each number their articles from 0 are joined: windows mix their texts. Give every article a number of its own, or import the files one by one.`;
    warnings.push({ code: 'CHUNKS_REPEATED', message, count: repeats });
  }
  if (shortArticles > 0) {
    const message = `${shortArticles} articles have ${T} chunks or fewer and give no window.`;
    warnings.push({ code: 'SHORT_ARTICLES', message, count: shortArticles });
  }
  return warnings;
}

function lossWarnings({ valuesLost }: VectorStoreWriter): DataWarning[] {
  if (valuesLost === 0) return [];
  const message = `${valuesLost} values are too small for float16 and are stored as 0. Import with float32 to keep them.`;
  return [{ code: 'VALUES_LOST', message, count: valuesLost }];
}

/** Adds every vector of a column to the store; `place(n, id)` gets the n-th vector in file order. */
async function addVectors(
  array: Column,
  writer: VectorStoreWriter,
  options: ReadOptions,
  place: (vector: number, id: number) => void,
): Promise<void> {
  const { signal, scratchFolder } = options;
  const rowVectors = array.shape.slice(1, -1).reduce((product, n) => product * n, 1);
  const elementBytes = array.bytes / elementsOf(array);
  try {
    for await (const { firstRow, rows, values } of array.rows({ signal, scratchFolder })) {
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      for (let v = 0; v < rows * rowVectors; v++) {
        const vector = firstRow * rowVectors + v;
        const start = v * writer.D;
        const refuse = (d: number): Error => notFinite(array, vector, d, values[start + d], writer.dtype);
        place(vector, writer.add(values, bits, start, refuse));
      }
      options.onBytes(rows * rowVectors * writer.D * elementBytes);
      await nextTurn();
      throwIfCancelled(options.signal, 'The import');
    }
  } catch (error) {
    // A flipped bit can cause an odd value; a failed checksum is then the better message.
    if (isNextvecError(error) && ODD_VALUE.has(error.code)) await array.verify({ signal });
    throw error;
  }
}

const ODD_VALUE = new Set<ErrorCode>(['NOT_FINITE', 'OUT_OF_RANGE']);

function notFinite(array: Column, vector: number, d: number, value: number, dtype: string): NextvecError {
  const axes = array.shape.slice(0, -1);
  const at = axes.length === 2 ? [Math.floor(vector / axes[1]), vector % axes[1], d] : [vector, d];
  const where = `${array.place}: element [${at.join(', ')}]`;
  if (Number.isFinite(value)) {
    return new NextvecError(
      'OUT_OF_RANGE',
      `${where} is ${value}, too ${Math.abs(value) > 1 ? 'large' : 'small'} for ${dtype}.`,
      {
        remedy: 'Import with float32.',
      },
    );
  }
  return new NextvecError('NOT_FINITE', `${where} is ${Number.isNaN(value) ? 'NaN' : 'infinite'}.`, {
    remedy: 'Remove or repair this row and write the file again.',
    details: { array: array.name, index: at },
  });
}
