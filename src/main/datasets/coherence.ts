/** Coherence along the articles of a data set, for a strip chart: mean cosine of neighbours in each article. */
import type { Dataset } from './dataset.ts';
import { chunkCosines, windowCosines, type MeasureOptions } from './passport.ts';

export interface CoherenceStrip {
  /** Article numbers as in the file, in file order; 0, 1, 2 ... where the file has none. */
  readonly article: Float64Array<ArrayBuffer>;
  /** NaN where an article has no pair of neighbours. */
  readonly coherence: Float32Array<ArrayBuffer>;
}

export type StripData = Pick<Dataset, 'T' | 'verified' | 'squares' | 'chunks' | 'windowArticles' | 'articleLabels'> & {
  readonly index: Uint32Array;
};

/** Where articles are not known the windows are taken in a hundred stretches of file order. */
export async function coherenceStrip(dataset: StripData, options: MeasureOptions = {}): Promise<CoherenceStrip> {
  const { chunks, squares, T } = dataset;
  const reader = await dataset.verified();
  if (chunks) {
    const cosines = await chunkCosines(reader, chunks.ids, chunks.articles, squares, options);
    return averages(cosines, (pair) => chunks.articles[pair], dataset.articleLabels);
  }
  const { neighbours } = await windowCosines(reader, dataset.index, T, squares, { ...options, keepMissing: true });
  const windows = dataset.index.length / (T + 1);
  const { windowArticles } = dataset;
  const stretch = Math.max(1, Math.ceil(windows / 100));
  const groupOf = (w: number): number => windowArticles?.[w] ?? Math.floor(w / stretch);
  return averages(neighbours, (pair) => groupOf(Math.floor(pair / (T - 1))), dataset.articleLabels);
}

function averages(
  cosines: Float32Array,
  groupOf: (pair: number) => number,
  labels: Float64Array | null,
): CoherenceStrip {
  const sums: number[] = [];
  const counts: number[] = [];
  for (let pair = 0; pair < cosines.length; pair++) {
    if (Number.isNaN(cosines[pair])) continue;
    const group = groupOf(pair);
    sums[group] = (sums[group] ?? 0) + cosines[pair];
    counts[group] = (counts[group] ?? 0) + 1;
  }
  const length = labels?.length ?? counts.length;
  const article = Float64Array.from({ length }, (_, group) => labels?.[group] ?? group);
  return {
    article,
    coherence: Float32Array.from({ length }, (_, group) => (sums[group] ?? NaN) / (counts[group] ?? 1)),
  };
}
