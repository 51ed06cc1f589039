/** Lists of articles as a recipe keeps them: "3,7-12", numbers and ranges of numbers, ascending and apart from each other. */
import { z } from 'zod';

export interface ArticleRange {
  readonly first: number;
  readonly last: number;
}

const MOST_CHARACTERS = 100_000;
const RANGE = /^(-?\d{1,16})(?:-(-?\d{1,16}))?$/;

/** Ranges in ascending order, those that touch joined; null: the text is no list. */
export function parseArticleList(text: string): ArticleRange[] | null {
  const ranges: ArticleRange[] = [];
  for (const part of text.split(',').map((word) => word.trim())) {
    const match = RANGE.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || !Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return null;
    ranges.push({ first, last });
  }
  return join(ranges);
}

function join(ranges: readonly ArticleRange[]): ArticleRange[] {
  const joined: ArticleRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || first > before.last + 1) joined.push({ first, last });
    else joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, last) };
  }
  return joined;
}

function listText(ranges: readonly ArticleRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** The list of some articles; empty: of none. */
export function articleList(articles: Iterable<number>): string {
  return listText(join(Array.from(articles, (article) => ({ first: article, last: article }))));
}

/** Index of the range with the article; -1: none has it. */
export function rangeOf(ranges: readonly ArticleRange[], article: number): number {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { first, last } = ranges[middle];
    if (article < first) high = middle - 1;
    else if (article > last) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** Equal lists become equal texts. */
export const ArticleListSchema = z
  .string()
  .max(MOST_CHARACTERS)
  .transform((text, context) => {
    const ranges = parseArticleList(text);
    if (ranges !== null) return listText(ranges);
    context.addIssue({ code: 'custom', message: 'Write articles as numbers and ranges, e.g. 3,7-12.' });
    return z.NEVER;
  });
