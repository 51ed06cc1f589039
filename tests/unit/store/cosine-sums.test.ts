/** Cosines over the articles, stored and read back. */
import { expect, test } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { cosineSums, putCosineSums } from '../../../src/main/store/cosine-sums.ts';
import { openDatabase } from '../../../src/main/store/database.ts';
import { deleteRun, insertRun } from '../../../src/main/store/runs.ts';

test('predictors are added one by one, replaced, and deleted with their run', () => {
  const db = openDatabase(':memory:');
  const recipe = RecipeSchema.parse({ dataset: '-' });
  const texts = { name: null, datasetName: 'data', oodName: null, tags: [], appVersion: '0', createdAt: 1 };
  insertRun(db, { id: 'a', recipe, ...texts });
  expect(cosineSums(db, 'a')).toBeNull();
  const part = (sums: Record<string, number[]>) => ({
    unit: 'articles' as const,
    windows: Float64Array.of(3, 4),
    sums: Object.fromEntries(Object.entries(sums).map(([name, values]) => [name, Float64Array.from(values)])),
  });
  putCosineSums(db, 'a', { validation: part({ ridge: [1.5, 2] }), ood: part({ ridge: [0.5, 1] }) });
  putCosineSums(db, 'a', { validation: part({ model: [1, 1] }), ood: null });
  putCosineSums(db, 'a', { validation: part({ model: [2, 2] }), ood: null });
  expect(cosineSums(db, 'a')).toEqual({
    validation: part({ ridge: [1.5, 2], model: [2, 2] }),
    ood: part({ ridge: [0.5, 1] }),
  });
  deleteRun(db, 'a');
  expect(cosineSums(db, 'a')).toBeNull();
  db.close();
});
