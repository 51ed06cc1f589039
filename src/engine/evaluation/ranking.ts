/** Rank of the target among the vectors of its own article, by cosine to the prediction. N rows, D width. */
import type { WithinArticle } from '#shared/domain/evaluation/evaluation.ts';
import { dot } from './vectors.ts';

/** Fewer candidates than this make a rank worthless. */
const FEWEST_CANDIDATES = 5;

const NOTHING: WithinArticle = { r1: null, r5: null, mrr: null, ranked: 0, candidates: null };

/**
 * Unit predictions and unit targets [N, D], article of each row. Candidates are the targets of the article's rows that
 * are given; equal targets count once, in favour of the prediction.
 */
export function withinArticleRank(
  predictions: Float32Array,
  targets: Float32Array,
  articles: ArrayLike<number>,
  D: number,
): WithinArticle {
  const rowsOf = new Map<number, number[]>();
  for (let row = 0; row < articles.length; row++) {
    const rows = rowsOf.get(articles[row]);
    if (rows) rows.push(row);
    else rowsOf.set(articles[row], [row]);
  }
  const sums = { r1: 0, r5: 0, reciprocal: 0, ranked: 0, candidates: 0 };
  for (const rows of rowsOf.values()) {
    if (rows.length < FEWEST_CANDIDATES) continue;
    for (const row of rows) {
      const own = dot(predictions, row, targets, row, D);
      const rank = 1 + rows.filter((other) => dot(predictions, row, targets, other, D) > own).length;
      sums.ranked++;
      sums.candidates += rows.length;
      sums.reciprocal += 1 / rank;
      if (rank === 1) sums.r1++;
      if (rank <= 5) sums.r5++;
    }
  }
  if (sums.ranked === 0) return NOTHING;
  const mean = (sum: number) => sum / sums.ranked;
  return {
    r1: mean(sums.r1),
    r5: mean(sums.r5),
    mrr: mean(sums.reciprocal),
    ranked: sums.ranked,
    candidates: mean(sums.candidates),
  };
}
