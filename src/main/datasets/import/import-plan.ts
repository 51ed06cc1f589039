/**
 * Reads the columns of a recognised file into a vector store and windows: the part of an import that depends on whether
 * the file holds windows or chunks. N windows, T context length, D width, M chunks. Measures and writes nothing else.
 */
import { NextvecError } from '#shared/domain/errors.ts';
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import type { Column } from '../../formats/columns/table.ts';
import { addVectors, lossWarnings } from './add-vectors.ts';
import type { Layout, WindowColumns } from './layout.ts';
import { readChunkData } from './read-chunks.ts';
import { setVectorArticle, type ReadData, type ReadOptions } from './read-data.ts';
import { UNKNOWN_ARTICLE } from '../store-files.ts';
import { isUnusable } from './unusable.ts';
import type { VectorStoreWriter } from '../vector-store.ts';
import { readWindowMetadata, type WindowMetadata } from './window-metadata.ts';
import { denseLabels } from './windows.ts';

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
function refuseChunkOptions({ place }: Column, { T, history, stride }: ReadOptions): void {
  if (T === null && history === null && stride === 1) return;
  const what = history === null ? 'its windows are fixed' : 'it does not say what precedes a window';
  throw new NextvecError('BAD_INPUT', `${place}: the file holds windows, not chunks: ${what}.`, {
    remedy:
      'Import the chunks themselves (vectors, article_indices, chunk_indices), or leave out the context length, stride and history.',
    details: { place },
  });
}

async function readMetadata(
  { metadata, articles, N }: WindowColumns,
  warnings: DataWarning[],
  { signal }: ReadOptions,
): Promise<WindowMetadata | null> {
  if (!metadata) return articles && { articles: await articles.integers({ signal }), crossings: null };
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
