/** Positions of windows in the articles of their file. */
import { NextvecError } from '#shared/domain/errors.ts';
import type { WindowPlace } from '#shared/domain/evaluation/inspection.ts';
import type { Dataset } from './dataset.ts';

type Articles = Pick<Dataset, 'windowArticles' | 'articleLabels'>;

/** Article and position of every window; null where the file has no articles. */
export function windowPlaces({ windowArticles, articleLabels }: Articles): (window: number) => WindowPlace {
  if (!windowArticles || !articleLabels) return () => null;
  const sizes = new Uint32Array(articleLabels.length);
  const index = Uint32Array.from(windowArticles, (article) => sizes[article]++);
  return (window) => {
    const article = windowArticles[window];
    return { article: articleLabels[article], index: index[window], of: sizes[article] };
  };
}

/** The `index`-th window (0-based) of an article as the file numbers it. `name` of the set in errors. */
export function windowOfArticle(
  { windowArticles, articleLabels }: Articles,
  name: string,
  article: number,
  index: number,
): number {
  const refuse = (message: string, remedy: string): NextvecError =>
    new NextvecError('OUT_OF_RANGE', message, { remedy, details: { place: name } });
  if (!windowArticles || !articleLabels) {
    throw refuse(`${name} does not say its articles.`, 'Choose the window by its number.');
  }
  const dense = articleLabels.indexOf(article);
  const windows: number[] = [];
  windowArticles.forEach((of, window) => {
    if (of === dense) windows.push(window);
  });
  if (dense === -1) throw refuse(`${name} has no article ${article}.`, articleRange(articleLabels));
  if (windows.length === 0) {
    throw refuse(`Article ${article} of ${name} is too short for a window.`, 'Choose a longer article.');
  }
  if (index < windows.length) return windows[index];
  throw refuse(
    `Article ${article} of ${name} has windows 1 to ${windows.length}; there is no window ${index + 1}.`,
    'Choose one of these windows.',
  );
}

function articleRange(labels: Float64Array): string {
  const [first, last] = labels.reduce(
    ([low, high], label) => [Math.min(low, label), Math.max(high, label)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  return `Its ${labels.length} articles have numbers from ${first} to ${last}.`;
}
