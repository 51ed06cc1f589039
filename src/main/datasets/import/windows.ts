/**
 * Windows from chunks: T consecutive chunks of one article and the next as target. Chunks that are not in the order
 * of their numbers are put in it; article by article, articles in the order of their first chunk.
 * M chunks, W windows, T context length. Pure functions over typed arrays.
 */

export interface OrderedChunks {
  /** File row of each chunk in reading order; null when the file already is in it. */
  readonly order: Uint32Array | null;
  /** Article of each chunk in reading order, dense: 0, 1, 2 ... in order of appearance. */
  readonly articles: Int32Array;
  /** Article number in the file of each dense article. */
  readonly labels: Float64Array;
  /** Places where the chunk number goes up by more than one inside an article. */
  readonly gaps: number;
  /** Chunks that have the article and the chunk number of an earlier one. */
  readonly repeats: number;
}

/** `articleNumbers` null: the whole file is one article; `chunkNumbers` null: file order is reading order. */
export function orderChunks(
  M: number,
  articleNumbers: Float64Array | null,
  chunkNumbers: Float64Array | null,
): OrderedChunks {
  const { dense, labels } = denseLabels(articleNumbers ?? new Float64Array(M));
  const order = readingOrder(dense, chunkNumbers);
  const articles = order ? dense.map((_, i) => dense[order[i]]) : dense;
  const { gaps, repeats } = chunkNumbers ? countGaps(articles, chunkNumbers, order) : { gaps: 0, repeats: 0 };
  return { order, articles, labels, gaps, repeats };
}

function countGaps(
  articles: Int32Array,
  chunkNumbers: Float64Array,
  order: Uint32Array | null,
): Pick<OrderedChunks, 'gaps' | 'repeats'> {
  const numberAt = (i: number): number => chunkNumbers[order ? order[i] : i];
  let gaps = 0;
  let repeats = 0;
  for (let i = 1; i < articles.length; i++) {
    if (articles[i] !== articles[i - 1]) continue;
    const step = numberAt(i) - numberAt(i - 1);
    if (step === 0) repeats++;
    else if (step !== 1) gaps++;
  }
  return { gaps, repeats };
}

/** Numbers 0, 1, 2 ... for arbitrary labels, in order of first appearance. */
export function denseLabels(numbers: Float64Array): { dense: Int32Array; labels: Float64Array } {
  const dense = new Int32Array(numbers.length);
  const known = new Map<number, number>();
  for (let i = 0; i < numbers.length; i++) {
    let label = known.get(numbers[i]);
    if (label === undefined) known.set(numbers[i], (label = known.size));
    dense[i] = label;
  }
  return { dense, labels: Float64Array.from(known.keys()) };
}

function readingOrder(dense: Int32Array, chunkNumbers: Float64Array | null): Uint32Array | null {
  const compare = (a: number, b: number): number =>
    dense[a] - dense[b] || (chunkNumbers ? chunkNumbers[a] - chunkNumbers[b] : 0);
  let sorted = true;
  for (let i = 1; sorted && i < dense.length; i++) sorted = compare(i - 1, i) <= 0;
  if (sorted) return null;
  return Uint32Array.from({ length: dense.length }, (_, i) => i).toSorted((a, b) => compare(a, b) || a - b);
}

export interface BuiltWindows {
  /** First chunk (in reading order) of each window; its target is T further on. */
  readonly starts: Uint32Array;
  /** Windows that hold chunks of more than one article. */
  readonly crossings: number;
  /** Articles too short for a single window. */
  readonly shortArticles: number;
}

export interface WindowOptions {
  readonly crossArticles: boolean;
  /** Chunks from the start of one window to that of the next, counted anew in each article unless windows cross articles. */
  readonly stride: number;
}

export function buildWindows(articles: Int32Array, T: number, { crossArticles, stride }: WindowOptions): BuiltWindows {
  const M = articles.length;
  const starts: number[] = [];
  let crossings = 0;
  let shortArticles = 0;
  let runStart = 0;
  for (let i = 0; i < M; i++) {
    if (i > 0 && articles[i] !== articles[i - 1]) runStart = i;
    const runEnds = i + 1 === M || articles[i + 1] !== articles[i];
    if (runEnds && i - runStart < T) shortArticles++;
    if (i < T) continue;
    const crosses = i - T < runStart;
    if (crosses && !crossArticles) continue;
    if ((i - T - (crossArticles ? 0 : runStart)) % stride !== 0) continue;
    if (crosses) crossings++;
    starts.push(i - T);
  }
  return { starts: Uint32Array.from(starts), crossings, shortArticles };
}
