/**
 * The files of one stored data set and the JSON that describes them. V distinct vectors, N windows (all splits one after
 * another), T context length, M chunks in reading order. All little-endian.
 *   vectors.bin         [V, D] float32 or float16      windows.bin          [N, T+1] uint32 vector ids, target last
 *   window-articles.bin [N] int32 dense article        vector-articles.bin  [V] int32, -1 unknown, -2 in several articles
 *   articles.bin        [articles] float64 numbers     chunks.bin           [M] uint32 vector id, then [M] int32 article
 *   squares.bin         [V] float64 Σ x²            article-figures.bin  [3, articles] float64, `article-table.ts`
 * Texts, where the set was imported with them: `texts/text-store.ts`.
 */
import { basename, join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { PassportSchema } from '#shared/domain/datasets/passport.ts';
import { readRegularFileSync } from '../formats/files/regular-file.ts';

export const FILES = {
  meta: 'meta.json',
  vectors: 'vectors.bin',
  windows: 'windows.bin',
  windowArticles: 'window-articles.bin',
  vectorArticles: 'vector-articles.bin',
  articles: 'articles.bin',
  articleFigures: 'article-figures.bin',
  chunks: 'chunks.bin',
  squares: 'squares.bin',
  texts: 'texts.bin',
  textBlocks: 'text-blocks.bin',
  vectorTexts: 'vector-texts.bin',
} as const;

export const UNKNOWN_ARTICLE = -1;
export const SEVERAL_ARTICLES = -2;

const count = z.int().min(0);

export const StoreMetaSchema = z.object({
  format: z.literal('nextvec-dataset'),
  version: z.literal(1),
  kind: z.enum(['windows', 'chunks']),
  dtype: z.enum(['float32', 'float16']),
  D: z.int().min(1),
  T: z.int().min(1),
  vectors: z.int().min(1),
  /** Distinct vectors of the file, the first of all; the others are derived (history). Absent in sets of earlier versions: all. */
  fileVectors: z.int().min(1).optional(),
  windows: count,
  /** 0 for a windows file. */
  chunks: count,
  /** null: articles are not known. */
  articles: count.nullable(),
  splits: z.array(z.object({ name: z.string(), first: count, count })).min(1),
  /** `path` is absent in sets of version 0.1. */
  source: z.object({ name: z.string(), bytes: count, sha256: z.string(), path: z.string().optional() }),
  /** CRC-32 by file name; absent in sets of version 0.1, which cannot be verified. */
  checksums: z.record(z.string(), z.int().min(0)).optional(),
  storedBytes: count,
  passport: PassportSchema,
});
export type StoreMeta = z.infer<typeof StoreMetaSchema>;

/** STORE_DAMAGED: `path` is the stored file at fault. */
export function damagedFile(path: string, why: string, source?: StoreMeta['source'], cause?: unknown): NextvecError {
  const from =
    source === undefined ? 'the file' : `${source.path ?? source.name} (sha256 ${source.sha256.slice(0, 12)})`;
  return new NextvecError('STORE_DAMAGED', `The stored file ${basename(path)} is damaged: ${why} (${path}).`, {
    remedy: `Import ${from} again; it takes the place of the damaged set.`,
    details: { place: path },
    cause,
  });
}

export function readMeta(folder: string): StoreMeta {
  const path = join(folder, FILES.meta);
  try {
    return StoreMetaSchema.parse(JSON.parse(readRegularFileSync(path).toString('utf8')));
  } catch (error) {
    throw new NextvecError('STORE_DAMAGED', `The stored data set ${basename(folder)} cannot be read (${path}).`, {
      remedy: 'Import the file again; it takes the place of the damaged set.',
      details: { place: path },
      cause: error,
    });
  }
}
