/** The articles that a recipe excludes from training, in the windows of a data set. T context length. */
import { NextvecError } from '#shared/domain/errors.ts';
import { parseArticleList, rangeOf, type ArticleRange } from '#shared/domain/recipe/article-list.ts';
import type { Dataset } from '../dataset.ts';

type ArticleData = Pick<Dataset, 'T' | 'index' | 'windowArticles' | 'vectorArticles' | 'articleLabels'>;

/**
 * The windows that hold no vector of an article of `list`, e.g. "3,7-12". Throws BAD_RECIPE where articles are not known,
 * one is not in the set, or no window is left.
 */
export function withoutArticles(dataset: ArticleData, windows: Uint32Array, list: string): Uint32Array {
  const { T, index, windowArticles, vectorArticles } = dataset;
  const excluded = excludedArticles(dataset, list);
  const isKept = (w: number): boolean => {
    if (windowArticles && excluded.has(windowArticles[w])) return false;
    // Of a window that crosses articles.
    for (let i = w * (T + 1); i < (w + 1) * (T + 1); i++) if (excluded.has(vectorArticles[index[i]])) return false;
    return true;
  };
  const kept = windows.filter(isKept);
  if (kept.length > 0) return kept;
  throw refused('Without the excluded articles no training window is left.', 'Exclude fewer.');
}

/** Dense articles of a list of article numbers. */
function excludedArticles({ articleLabels }: ArticleData, list: string): Set<number> {
  if (!articleLabels) {
    throw refused(
      'The data set does not say its articles, so none can be excluded.',
      'Import it with a column or a rule for its articles, or exclude none.',
    );
  }
  const ranges = parseArticleList(list) ?? [];
  const excluded = new Set<number>();
  const found = new Set<number>();
  for (const [dense, article] of articleLabels.entries()) {
    const range = rangeOf(ranges, article);
    if (range < 0) continue;
    found.add(range);
    excluded.add(dense);
  }
  const missing = ranges.find((_, range) => !found.has(range));
  if (missing) throw unknownArticles(missing, articleLabels);
  return excluded;
}

function unknownArticles({ first, last }: ArticleRange, labels: Float64Array): NextvecError {
  const what = first === last ? `no article ${first}` : `no article from ${first} to ${last}`;
  const least = labels.reduce((a, b) => Math.min(a, b));
  const most = labels.reduce((a, b) => Math.max(a, b));
  return refused(`The data set has ${what} to exclude.`, `Its articles are numbered ${least} to ${most}.`);
}

function refused(message: string, remedy: string): NextvecError {
  return new NextvecError('BAD_RECIPE', message, { remedy, details: { place: 'split.excludedArticles' } });
}
