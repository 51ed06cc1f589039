/** Lists of articles: one text for equal lists, no trace in a recipe without one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { articleList, parseArticleList, rangeOf } from '#shared/domain/recipe/article-list.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';

const listIn = (text: string): string | undefined =>
  RecipeSchema.parse({ dataset: 'd', split: { excludedArticles: text } }).split.excludedArticles;

test.each([
  ['9, 3,4 ,5', '3-5,9'],
  ['7-12,10-20,21', '7-21'],
  ['-5--3,-2,0', '-5--2,0'],
])('%s becomes %s', (text, list) => {
  expect(listIn(text)).toBe(list);
});

test.each(['', ',', '3,', '5-3', 'a', '1.5', '1e3', '9007199254740993'])('"%s" is refused', (text) => {
  expect(() => listIn(text)).toThrow('numbers and ranges');
});

test('a recipe without a list is stored as before there were any', () => {
  expect(JSON.stringify(RecipeSchema.parse({ dataset: 'd' }).split)).toBe('{"kind":"article","validationShare":0.1}');
});

test('a list holds the articles it was made of, and no others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: -30, max: 30 })), (articles) => {
      const ranges = articles.length === 0 ? [] : parseArticleList(articleList(articles))!;
      for (let article = -31; article <= 31; article++)
        expect(rangeOf(ranges, article) >= 0).toBe(articles.includes(article));
    }),
  );
});
