/** What `data articles`, `data compare` and `data reveal` show of imported data sets. */
import type { NextvecClient } from '#shared/contract/index.ts';
import { parseArticleList, rangeOf } from '#shared/domain/recipe/article-list.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { printComparison } from './commands/data.ts';
import { findRun, readableDataset } from './handles.ts';
import { formatCosine, type Output } from './output.ts';

interface ViewWords {
  readonly id?: string;
  /** Second argument: the other set of a comparison. */
  readonly name?: string;
  /** A run; true: given without one. */
  readonly split?: string | true;
}

export async function compareSets(client: NextvecClient, words: ViewWords, out: Output): Promise<void> {
  const [a, b] = [await readableDataset(client, words.id ?? ''), await readableDataset(client, words.name ?? '')];
  const comparison = await client.evaluation.compareData({ a: a.id, b: b.id });
  out.result(comparison, () => printComparison([a.name, b.name], comparison, out));
}

export async function revealSet(client: NextvecClient, words: ViewWords, out: Output): Promise<void> {
  const { id, sourcePath } = await readableDataset(client, words.id ?? '');
  const { folder } = await client.datasets.reveal({ id });
  out.result({ dataset: id, folder, sourcePath }, () => {
    out.line(`stored in ${folder}`);
    out.line(`imported from ${sourcePath}`);
  });
}

interface ArticleRow {
  readonly article: number;
  readonly length: number;
  /** null: it has no neighbours. */
  readonly coherence: number | null;
  /** Share of its chunks (or windows) that repeat an earlier one. */
  readonly duplicates: number;
  readonly trainWindows: number;
  readonly validationWindows: number;
  readonly isExcluded: boolean;
}

export async function showArticles(client: NextvecClient, words: ViewWords, out: Output): Promise<void> {
  const { id } = await readableDataset(client, words.id ?? '');
  const { split, seed } = await splitOf(client, id, words.split);
  const articles = await client.datasets.articles({ id });
  const sides = await client.datasets.articleSides({ id, split, seed });
  const excluded = parseArticleList(split.excludedArticles ?? '') ?? [];
  const rows = Array.from(articles.article, (article, i): ArticleRow => {
    const coherence = articles.coherence[i];
    return {
      article,
      length: articles.length[i],
      coherence: Number.isNaN(coherence) ? null : coherence,
      duplicates: articles.duplicates[i] / articles.length[i],
      trainWindows: sides.train[i],
      validationWindows: sides.validation[i],
      isExcluded: rangeOf(excluded, article) >= 0,
    };
  });
  out.result({ dataset: id, split, seed, articles: rows }, () => printArticles(rows, out));
}

/** Of a run on the set, or the default. */
async function splitOf(
  client: NextvecClient,
  dataset: string,
  run: ViewWords['split'],
): Promise<Pick<Recipe, 'split' | 'seed'>> {
  if (typeof run !== 'string') return RecipeSchema.parse({ dataset });
  const { recipe, number } = await findRun(client, run);
  if (recipe.dataset === dataset) return recipe;
  throw new NextvecError('BAD_INPUT', `Run #${number} was not trained on this data set.`, {
    remedy: 'Name a run that was, or leave out --split.',
  });
}

function printArticles(rows: readonly ArticleRow[], out: Output): void {
  out.table(rows, [
    { title: 'article', value: ({ article }) => article },
    { title: 'length', value: ({ length }) => length },
    { title: 'coherence', value: ({ coherence }) => formatCosine(coherence), align: 'right' },
    { title: 'duplicates', value: ({ duplicates }) => `${(100 * duplicates).toFixed(1)} %`, align: 'right' },
    { title: 'train', value: ({ trainWindows }) => trainWindows },
    { title: 'validation', value: ({ validationWindows }) => validationWindows },
    { title: '', value: ({ isExcluded }) => (isExcluded ? 'excluded' : '') },
  ]);
}
