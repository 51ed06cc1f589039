/** Rows of the table of articles: what they show, which are shown, in which order. Pure. */
import type { Articles, ArticleSides } from '#shared/contract/datasets.ts';

export const SIDES = { train: 'Training', validation: 'Validation', both: 'Both', none: 'Neither' } as const;
export type Side = keyof typeof SIDES;

export interface ArticleRow {
  readonly article: number;
  /** Chunks; windows where the set has no chunks. */
  readonly length: number;
  /** NaN: it has no neighbours. */
  readonly coherence: number;
  /** Share of its chunks that repeat an earlier one. */
  readonly duplicates: number;
  /** null: not known (yet). */
  readonly side: Side | null;
}

export const FIGURES = { length: 'Length', coherence: 'Coherence', duplicates: 'Duplicates' } as const;
export type Figure = keyof typeof FIGURES;

export interface ArticleFilter {
  side: Side | 'excluded' | '';
  /** `length<`: length below the limit; empty: all. */
  condition: `${Figure}${'<' | '>'}` | '';
  /** Duplicates in per cent. */
  limit: number | '';
}

export interface ArticleSort {
  readonly by: 'article' | Figure;
  readonly descending: boolean;
}

export function rowsOf(articles: Articles, sides: ArticleSides | null): ArticleRow[] {
  return Array.from(articles.article, (article, i) => ({
    article,
    length: articles.length[i],
    coherence: articles.coherence[i],
    duplicates: articles.duplicates[i] / articles.length[i],
    side: sides && sideOf(sides.train[i], sides.validation[i]),
  }));
}

/** Of the article's windows on each side. */
function sideOf(train: number, validation: number): Side {
  if (train > 0) return validation > 0 ? 'both' : 'train';
  return validation > 0 ? 'validation' : 'none';
}

export function isShown(row: ArticleRow, { side, condition, limit }: ArticleFilter, isExcluded: boolean): boolean {
  if (side === 'excluded' ? !isExcluded : side !== '' && row.side !== side) return false;
  if (condition === '' || limit === '') return true;
  const figure = condition.slice(0, -1) as Figure;
  const value = figure === 'duplicates' ? 100 * row.duplicates : row[figure];
  return condition.endsWith('<') ? value < limit : value > limit;
}

/** Unknown figures come last. */
export function inOrder(rows: readonly ArticleRow[], { by, descending }: ArticleSort): ArticleRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    if (Number.isNaN(a[by]) || Number.isNaN(b[by])) return Number(Number.isNaN(a[by])) - Number(Number.isNaN(b[by]));
    return sign * (a[by] - b[by]) || a.article - b.article;
  });
}
