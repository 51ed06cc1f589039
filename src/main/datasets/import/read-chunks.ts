/** Reads a file of chunks: vectors with articles and an order, of which windows are built. M chunks, T context length. */
import { NextvecError } from '#shared/domain/errors.ts';
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import { DEFAULT_CONTEXT, HISTORY_INPUTS } from '#shared/domain/datasets/task.ts';
import type { Column } from '../../formats/columns/table.ts';
import { addVectors, lossWarnings } from './add-vectors.ts';
import { articlesApart, articlesByCosine, readArticles } from './articles.ts';
import { addHistory } from './history.ts';
import type { ChunkLayout } from './layout.ts';
import { setVectorArticle, type ReadData, type ReadOptions } from './read-data.ts';
import { UNKNOWN_ARTICLE } from '../store-files.ts';
import type { VectorStoreWriter } from '../vector-store.ts';
import { buildWindows, orderChunks, type OrderedChunks } from './windows.ts';

export async function readChunkData(
  layout: ChunkLayout,
  writer: VectorStoreWriter,
  options: ReadOptions,
): Promise<ReadData> {
  const { M, vectors, rule } = layout;
  const { history, signal } = options;
  const T = options.T ?? DEFAULT_CONTEXT;
  if (history !== null) refuseHistory(layout, options);
  const known = await readArticles(layout, signal);
  const chunkNumbers = (await layout.chunks?.integers({ signal })) ?? null;
  const fileIds = new Uint32Array(M);
  await addVectors(vectors, writer, options, (row, id) => {
    fileIds[row] = id;
  });
  const articleNumbers = rule?.by === 'split' ? articlesByCosine(writer, fileIds, rule.threshold) : known;
  const ordered = orderApart(layout, articleNumbers, chunkNumbers);
  const { order, articles } = ordered;
  const ids = order ? Uint32Array.from(order, (row) => fileIds[row]) : fileIds;
  const { starts, crossings, shortArticles } = buildWindows(articles, T, options);
  if (starts.length === 0) throw noWindows(vectors, T, M);
  const fileVectors = writer.vectors;
  const derived = history === null ? null : await addHistory(writer, { ids, articles, starts, T, K: history }, signal);
  const index = windowIndex(ids, starts, T, derived);
  return {
    T: index.length / starts.length - 1,
    index,
    history,
    fileVectors,
    splits: [{ name: 'all', first: 0, count: starts.length }],
    windowArticles: Int32Array.from(starts, (start) => articles[start + T]),
    articleLabels: new Float64Array(ordered.labels),
    vectorArticles: articlesOfVectors(writer.vectors, ids, articles, starts, derived),
    crossings,
    chunks: { ids, articles: new Int32Array(articles) },
    fileIds,
    warnings: [...chunkWarnings(layout, ordered, shortArticles, T), ...lossWarnings(writer)],
  };
}

interface ChunkOrder extends OrderedChunks {
  /** The files number their articles anew: equal numbers in different files are different articles. */
  readonly isApart: boolean;
}

/** Both numbers: [M], in the order of the files. */
function orderApart(
  layout: ChunkLayout,
  articleNumbers: Float64Array | null,
  chunkNumbers: Float64Array | null,
): ChunkOrder {
  const { M } = layout;
  const asNumbered = orderChunks(M, articleNumbers, chunkNumbers);
  const apart = articlesApart(layout, articleNumbers, chunkNumbers && asNumbered.repeats);
  return { ...(apart ? orderChunks(M, apart, chunkNumbers) : asNumbered), isApart: apart !== null };
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

/** [V] article of each vector; that of derived ones is that of their window. */
function articlesOfVectors(
  V: number,
  ids: Uint32Array,
  articles: Int32Array,
  starts: Uint32Array,
  derived: Uint32Array | null,
): Int32Array<ArrayBuffer> {
  const vectorArticles = new Int32Array(V).fill(UNKNOWN_ARTICLE);
  for (let i = 0; i < ids.length; i++) setVectorArticle(vectorArticles, ids[i], articles[i]);
  derived?.forEach((id, i) => setVectorArticle(vectorArticles, id, articles[starts[i >> 1]]));
  return vectorArticles;
}

/** History lies within an article. */
function refuseHistory({ vectors, articles, rule }: ChunkLayout, options: ReadOptions): void {
  const refuse = (why: string, remedy: string): never => {
    const { place } = vectors;
    throw new NextvecError('BAD_INPUT', `${place}: ${why}.`, { remedy, details: { place } });
  };
  if (articles === null && rule === null) {
    refuse(
      'history needs the articles, and the file has no article_indices array',
      'Add it, name another column (--article-column) or a rule (--articles), or import without history.',
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
  layout: ChunkLayout,
  { isApart, order, labels, gaps, repeats }: ChunkOrder,
  shortArticles: number,
  T: number,
): DataWarning[] {
  const warnings: DataWarning[] = [];
  if (isApart) {
    const message =
      'The files number their articles anew: equal numbers in different files were taken as different articles, and numbered from 0.';
    warnings.push({ code: 'ARTICLES_KEPT_APART', message, count: layout.M });
  }
  if (!layout.articles && !layout.rule) {
    const message =
      'There is no article_indices array, so the whole file counts as one article; a split by article is not possible.';
    warnings.push({ code: 'NO_ARTICLES', message, count: layout.M });
  } else if (labels.length === 1) {
    const message = 'All chunks are of one article; a split by article is not possible.';
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
