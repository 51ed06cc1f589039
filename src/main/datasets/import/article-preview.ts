/** Where the articles of a set begin and how long they are, to judge a rule for articles by. */
import type { ArticlePreview } from '#shared/contract/datasets.ts';
import { openDataset } from '../dataset.ts';
import { shownText } from '../places.ts';

const FIRST_ARTICLES = 5;

/** null: the set is not made of chunks. */
export function previewArticles(folder: string): ArticlePreview | null {
  using dataset = openDataset(folder);
  const { chunks, articleLabels } = dataset;
  if (!chunks || !articleLabels) return null;
  const lengths = new Uint32Array(articleLabels.length);
  for (const article of chunks.articles) lengths[article]++;
  const sorted = lengths.toSorted();
  const first = Array.from(articleLabels.subarray(0, FIRST_ARTICLES), (article, dense) => ({
    article,
    length: lengths[dense],
    text: shownText(dataset.texts().text(chunks.ids[chunks.articles.indexOf(dense)])),
  }));
  return { shortest: sorted[0], median: sorted[sorted.length >> 1], longest: sorted.at(-1) ?? 0, first };
}
