/** One damaged row of the history: the list shows it with the reason, and all others as they are. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { openDatabase, type Db } from '../../../src/main/store/database.ts';
import { insertRun, updateRun } from '../../../src/main/store/runs.ts';
import { testHome, type TestHome } from '../../support/nextvec.ts';

let home: TestHome;
let nextvec: Nextvec;
let db: Db;

function insert(id: string): void {
  const recipe = { ...RecipeSchema.parse({ dataset: 'd' }), dataset: '-' };
  insertRun(db, { id, name: id, recipe, datasetName: 'd', oodName: null, tags: [], appVersion: '0', createdAt: 1 });
  updateRun(db, id, { status: 'interrupted' });
}

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  db = openDatabase(join(home.path, 'home', 'nextvec.db'));
  db.pragma('foreign_keys = OFF');
  for (const id of ['whole', 'damaged']) insert(id);
});
afterAll(async () => {
  db.close();
  await home.dispose();
});

test.each([
  ['recipe_json', 'null'],
  ['recipe_json', '[1]'],
  ['recipe_json', '{"dataset":"d","modelType":5}'],
  ['recipe_json', '{"dataset":"d","lambda":{"mse":"x"}}'],
  ['recipe_json', '{"dataset":"d","gates":7}'],
  ['best_json', '{"epoch":"three"}'],
  ['baselines_json', '7'],
  ['tags_json', '{}'],
  ['imported_json', '{"file":1}'],
  ['engine_json', '[]'],
])('%s = %s', async (column, json) => {
  db.prepare("DELETE FROM runs WHERE id = 'damaged'").run();
  insert('damaged');
  db.prepare(`UPDATE runs SET ${column} = ? WHERE id = 'damaged'`).run(json);
  const runs = await nextvec.client.runs.list();
  expect(runs.map(({ id }) => id)).toEqual(['damaged', 'whole']);
  const [damaged, whole] = runs;
  expect(damaged).toMatchObject({ name: 'damaged', status: 'failed' });
  expect(damaged.reason).toMatch(/^Its row in the history is damaged \(.+\)\. Put a backup/);
  expect(whole).toMatchObject({ status: 'interrupted', reason: '' });
});

test('a damaged recipe is refused where it is used, and its run can be deleted', async () => {
  db.prepare("UPDATE runs SET recipe_json = ? WHERE id = 'damaged'").run('{"dataset":"d","lr":-1}');
  const { client } = nextvec;
  await expect(client.runs.resume({ runId: 'damaged' })).rejects.toThrow('A recipe in the history is damaged (lr: ');
  await client.runs.delete({ runId: 'damaged' });
  expect(await client.runs.list()).toHaveLength(1);
});
