/** Cosines over the articles, stored and read back; baselines that an earlier run has measured. */
import { expect, test } from 'vitest';
import { RecipeSchema, type RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { baselineSums, cosineSums, putCosineSums } from '../../../src/main/store/cosine-sums.ts';
import { openDatabase } from '../../../src/main/store/database.ts';
import { deleteRun, findMeasured, findRun, insertRun, updateRun } from '../../../src/main/store/runs.ts';

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
  expect(baselineSums(db, 'a')?.validation.sums).toEqual({ ridge: Float64Array.of(1.5, 2) });
  deleteRun(db, 'a');
  expect(cosineSums(db, 'a')).toBeNull();
  db.close();
});

test.each<[string, Partial<RecipeInput>, string, boolean]>([
  ['another model and learning rate', { modelType: 'lstm', lr: 1e-3 }, '1', true],
  ['another data set', { dataset: 'e' }, '1', false],
  ['OOD data', { ood: 'e' }, '1', false],
  ['another split', { split: { kind: 'random' } }, '1', false],
  ['another seed', { seed: 8 }, '1', false],
  ['another version', {}, '2', false],
])('whether baselines of an earlier run are those of a run with %s', (_, changes, appVersion, isSame) => {
  const db = openDatabase(':memory:');
  db.pragma('foreign_keys = OFF');
  const insert = (id: string, more: Partial<RecipeInput>, version: string): void =>
    insertRun(db, {
      id,
      recipe: RecipeSchema.parse({ dataset: 'd', ...more }),
      name: null,
      datasetName: 'data',
      oodName: null,
      tags: [],
      appVersion: version,
      createdAt: 1,
    });
  insert('measured', {}, '1');
  insert('later', changes, appVersion);
  const found = (): unknown => findMeasured(db, findRun(db, 'later')!);
  expect(found()).toBeNull();
  const baselines_json = '{"lastVector":{}}';
  updateRun(db, 'measured', { baselines_json });
  expect(found()).toEqual(isSame ? { id: 'measured', number: 1, baselines_json } : null);
  updateRun(db, 'measured', { imported_json: '{}' });
  expect(found()).toBeNull();
  db.close();
});
