/**
 * Groups of similar training articles by spherical k-means on centred article means, so that the gate can be trained on
 * articles unlike those its parts were fitted on. D width, C clusters, n articles.
 */
import { ARTICLES_PER_CLUSTER } from '#shared/domain/models/gram.ts';
import { blocks } from '../../evaluation/windows.ts';
import { squaredNorm } from '../../evaluation/vectors.ts';
import type { Random } from '../../random.ts';
import type { WindowSource } from '../../types.ts';

const RESTARTS = 5;
const ITERATIONS = 30;
/** Articles that centres are computed from; evenly spaced ones of a larger set. */
const MAX_ARTICLES = 4096;

/** Training windows grouped by article. */
export interface ArticleWindows {
  readonly source: WindowSource;
  /** Window ids. */
  readonly ids: Uint32Array;
  /** Article of each of `ids`. */
  readonly articles: Uint32Array;
}

/**
 * Cluster of each window, in [0, C) with C at most `clusters`; every cluster has windows. An article is in one cluster.
 * Throws where there are fewer than eight articles: nothing could be held out.
 */
export function clusterArticles(windows: ArticleWindows, clusters: number, random: Random): Uint32Array<ArrayBuffer> {
  const { source, ids, articles } = windows;
  const groups = groupByArticle(ids, articles);
  const wanted = Math.min(clusters, Math.floor(groups.length / ARTICLES_PER_CLUSTER));
  if (wanted < 2) {
    throw new RangeError(
      `Gram mixture: ${groups.length} articles to train on; it holds groups of articles out and needs at least ${2 * ARTICLES_PER_CLUSTER}. Use more data, or another model.`,
    );
  }
  const step = Math.max(1, groups.length / MAX_ARTICLES);
  const sample = Array.from({ length: Math.min(groups.length, MAX_ARTICLES) }, (_, i) => groups[Math.floor(i * step)]);
  const means = new Map(sample.map((group) => [group, meanOfFirst(source, group.ids)]));
  const middle = meanOfRows([...means.values()], source.D);
  const centres = kMeans(
    sample.map((group) => direction(means.get(group)!, middle)),
    wanted,
    random,
  );
  const labels = groups.map((group) => {
    const mean = means.get(group) ?? meanOfFirst(source, group.ids);
    return nearestCentre(direction(mean, middle), centres).label;
  });
  return labelWindows(groups, labels, ids.length);
}

interface ArticleGroup {
  /** Window ids of the article and their places among all windows. */
  readonly ids: Uint32Array;
  readonly places: Uint32Array;
}

/** In the order of article numbers. */
function groupByArticle(ids: Uint32Array, articles: Uint32Array): ArticleGroup[] {
  const places = Uint32Array.from(ids.keys()).toSorted((i, j) => articles[i] - articles[j] || i - j);
  const groups: ArticleGroup[] = [];
  for (let from = 0, to = 0; from < places.length; from = to) {
    while (to < places.length && articles[places[to]] === articles[places[from]]) to++;
    const of = places.slice(from, to);
    groups.push({ places: of, ids: of.map((place) => ids[place]) });
  }
  return groups;
}

/** Mean of the first (unit) context vector over windows. [D] */
function meanOfFirst(source: WindowSource, ids: Uint32Array): Float64Array {
  const { T, D } = source;
  const mean = new Float64Array(D);
  for (const { contexts, B } of blocks({ source, ids })) {
    for (let row = 0; row < B; row++) {
      const share = 1 / Math.max(Math.sqrt(squaredNorm(contexts, row * T, D)), 1e-8) / ids.length;
      for (let d = 0, from = row * T * D; d < D; d++) mean[d] += share * contexts[from + d];
    }
  }
  return mean;
}

function meanOfRows(rows: readonly Float64Array[], D: number): Float64Array {
  const mean = new Float64Array(D);
  for (const row of rows) for (let d = 0; d < D; d++) mean[d] += row[d] / rows.length;
  return mean;
}

/** unit(x − middle) */
function direction(x: Float64Array, middle: Float64Array): Float64Array {
  return scaledToUnit(x.map((value, d) => value - middle[d]));
}

function scaledToUnit(x: Float64Array): Float64Array {
  const norm = Math.max(Math.sqrt(product(x, x)), 1e-8);
  return x.map((value) => value / norm);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

function nearestCentre(x: Float64Array, centres: readonly Float64Array[]): { label: number; cosine: number } {
  let best = { label: 0, cosine: -Infinity };
  centres.forEach((centre, label) => {
    const cosine = product(x, centre);
    if (cosine > best.cosine) best = { label, cosine };
  });
  return best;
}

/** Centres of the best of RESTARTS runs of spherical k-means, by the sum of cosines. */
function kMeans(directions: readonly Float64Array[], C: number, random: Random): Float64Array[] {
  let best: { score: number; centres: Float64Array[] } = { score: -Infinity, centres: [] };
  for (let restart = 0; restart < RESTARTS; restart++) {
    const order = Uint32Array.from(directions, (_, i) => i);
    random.shuffle(order);
    let centres = Array.from(order.subarray(0, C), (i) => directions[i]);
    let score = 0;
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      const found = directions.map((x) => nearestCentre(x, centres));
      score = found.reduce((sum, { cosine }) => sum + cosine, 0);
      centres = centres.map((centre, label) => {
        const members = directions.filter((_, i) => found[i].label === label);
        return members.length === 0 ? centre : scaledToUnit(meanOfRows(members, centre.length));
      });
    }
    if (score > best.score) best = { score, centres };
  }
  return best.centres;
}

/** Labels of articles to labels of windows, renumbered without gaps. */
function labelWindows(groups: readonly ArticleGroup[], labels: readonly number[], windows: number) {
  const used = [...new Set(labels)].toSorted((a, b) => a - b);
  if (used.length < 2) throw new RangeError('Gram mixture: all articles are alike; no group of them can be held out.');
  const of = new Uint32Array(windows);
  groups.forEach(({ places }, i) => {
    for (const place of places) of[place] = used.indexOf(labels[i]);
  });
  return of;
}
