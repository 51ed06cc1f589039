/** Rows of the table of articles: what they show, which are shown, in which order. Pure. */
import type { Articles, ArticleSides } from '#shared/contract/datasets.ts';

export const SIDES = [
  { value: 'train', label: 'Training' },
  { value: 'validation', label: 'Validation' },
  { value: 'both', label: 'Both' },
  { value: 'none', label: 'Neither' },
] as const;
type Side = (typeof SIDES)[number]['value'];

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

export const FIGURES = [
  { by: 'length', label: 'Length' },
  { by: 'coherence', label: 'Coherence' },
  { by: 'duplicates', label: 'Duplicates' },
] as const;
type Figure = (typeof FIGURES)[number]['by'];

/** Whether a figure lies below or above a limit. */
export const CONDITIONS = FIGURES.flatMap(({ by, label }) => [
  { value: `${by}<` as const, label: `${label} below`, by, isBelow: true },
  { value: `${by}>` as const, label: `${label} above`, by, isBelow: false },
]);

export interface ArticleFilter {
  side: Side | 'excluded' | '';
  /** Of `CONDITIONS`; empty: all. */
  condition: (typeof CONDITIONS)[number]['value'] | '';
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
  const chosen = CONDITIONS.find((one) => one.value === condition);
  if (!chosen || limit === '') return true;
  const value = chosen.by === 'duplicates' ? 100 * row.duplicates : row[chosen.by];
  return chosen.isBelow ? value < limit : value > limit;
}

/** Unknown figures come last. */
export function inOrder(rows: readonly ArticleRow[], { by, descending }: ArticleSort): ArticleRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    if (Number.isNaN(a[by]) || Number.isNaN(b[by])) return Number(Number.isNaN(a[by])) - Number(Number.isNaN(b[by]));
    return sign * (a[by] - b[by]) || a.article - b.article;
  });
}
