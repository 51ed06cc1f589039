/** Figures of each article of a data set, measured by its import, and the side of a split it is on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Articles, ArticleSides } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import { articleCoherence, type ArticleVectors } from './coherence.ts';
import type { Dataset } from '../dataset.ts';
import { countDuplicateWindows, type MeasureOptions } from './passport.ts';
import { splitDataset } from '../split/split.ts';
import { FILES, readMeta } from '../store-files.ts';
import { readColumn } from './verify.ts';

type ArticleData = Pick<Dataset, 'fileVectors' | 'windowArticles' | 'articleLabels'> &
  Omit<ArticleVectors, 'windowArticles' | 'articleLabels'>;

/** Throws BAD_INPUT where articles are not known. */
export async function measureArticles(dataset: ArticleData, options: MeasureOptions = {}): Promise<Articles> {
  const { chunks } = dataset;
  const known = knownArticles(dataset);
  const { windowArticles, articleLabels } = known;
  const length = new Float64Array(articleLabels.length);
  const duplicates = new Float64Array(articleLabels.length);
  if (chunks) {
    const seen = new Uint8Array(dataset.fileVectors);
    for (const [i, id] of chunks.ids.entries()) {
      length[chunks.articles[i]]++;
      duplicates[chunks.articles[i]] += seen[id];
      seen[id] = 1;
    }
  } else {
    for (const article of windowArticles) length[article]++;
    countDuplicateWindows(dataset.index, dataset.T, (window) => duplicates[windowArticles[window]]++);
  }
  const coherence = await articleCoherence({ ...dataset, ...known }, options);
  return { article: Float64Array.from(articleLabels), length, coherence, duplicates };
}

/** The rows of `article-figures.bin`, in the order of `articles.bin`. */
export function figureRows({ length, duplicates, coherence }: Articles): Float64Array[] {
  return [length, duplicates, Float64Array.from(coherence)];
}

/** Reads what the import stored; null: articles are not known, or an earlier version imported the set. Throws STORE_DAMAGED. */
export function storedArticles(folder: string): Articles | null {
  const path = join(folder, FILES.articleFigures);
  if (!existsSync(path)) return null;
  const meta = readMeta(folder);
  const articles = meta.articles ?? 0;
  const figures = readColumn(path, 3 * 8 * articles, meta);
  const row = (i: number) => new Float64Array(figures, 8 * i * articles, articles);
  return {
    article: new Float64Array(readColumn(join(folder, FILES.articles), 8 * articles, meta)),
    length: row(0),
    duplicates: row(1),
    coherence: Float32Array.from(row(2)),
  };
}

/** Throws BAD_INPUT where articles are not known, BAD_RECIPE where the set cannot be split so. */
export function articleSides(dataset: Dataset, split: Split, seed: number): ArticleSides {
  const { windowArticles, articleLabels } = knownArticles(dataset);
  const { train, val } = splitDataset(dataset, split, seed);
  const count = (windows: Uint32Array): Float64Array<ArrayBuffer> => {
    const counts = new Float64Array(articleLabels.length);
    for (const w of windows) counts[windowArticles[w]]++;
    return counts;
  };
  return { train: count(train), validation: count(val) };
}

function knownArticles({ windowArticles, articleLabels }: Pick<Dataset, 'windowArticles' | 'articleLabels'>) {
  if (windowArticles && articleLabels) return { windowArticles, articleLabels };
  throw new NextvecError('BAD_INPUT', 'The data set does not say its articles.', {
    remedy: 'Import its file with a column or a rule for the articles.',
  });
}
