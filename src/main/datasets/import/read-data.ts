/** What an import has read of a file, before anything is measured. N windows, T context length. */
import type { DataWarning } from '#shared/domain/datasets/passport.ts';
import { SEVERAL_ARTICLES, UNKNOWN_ARTICLE } from '../store-files.ts';

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
  /** Chunks from the start of one window to that of the next. */
  readonly stride: number;
  /** Scale vectors to length 1. */
  readonly normalise: boolean;
  /** Most chunks before a window whose mean it reads, beside that of the article so far; null: no history. */
  readonly history: number | null;
  readonly signal?: AbortSignal;
  readonly scratchFolder: string;
  /** Bytes of array data read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

export function setVectorArticle(vectorArticles: Int32Array, vector: number, article: number): void {
  const before = vectorArticles[vector];
  if (before === UNKNOWN_ARTICLE) vectorArticles[vector] = article;
  else if (before !== article) vectorArticles[vector] = SEVERAL_ARTICLES;
}
