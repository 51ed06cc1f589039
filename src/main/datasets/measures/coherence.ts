/** Mean cosine of neighbouring vectors in each article of a data set. */
import type { Dataset } from '../dataset.ts';
import { chunkCosines, windowCosines, type MeasureOptions } from './passport.ts';

/** A set whose articles are known. */
export interface ArticleVectors extends Pick<Dataset, 'T' | 'verified' | 'squares' | 'chunks'> {
  readonly index: Uint32Array;
  readonly windowArticles: Int32Array;
  readonly articleLabels: Float64Array;
}

/** [articles], in the order of `articleLabels`; NaN where an article has no pair of neighbours. */
export async function articleCoherence(
  { T, index, verified, squares, chunks, windowArticles, articleLabels }: ArticleVectors,
  options: MeasureOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const reader = await verified();
  const articles = articleLabels.length;
  if (chunks) {
    const cosines = await chunkCosines(reader, chunks.ids, chunks.articles, squares, options);
    return means(cosines, (pair) => chunks.articles[pair], articles);
  }
  const { neighbours } = await windowCosines(reader, index, T, squares, { ...options, keepMissing: true });
  return means(neighbours, (pair) => windowArticles[Math.floor(pair / (T - 1))], articles);
}

/** Mean of the cosines of each article; NaN are skipped. */
function means(cosines: Float32Array, articleOf: (pair: number) => number, articles: number) {
  const sums = new Float64Array(articles);
  const counts = new Float64Array(articles);
  for (let pair = 0; pair < cosines.length; pair++) {
    if (Number.isNaN(cosines[pair])) continue;
    const article = articleOf(pair);
    sums[article] += cosines[pair];
    counts[article]++;
  }
  return Float32Array.from(sums, (sum, article) => sum / counts[article]);
}
