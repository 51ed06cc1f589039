/** One damaged row of the history: the list shows it with the reason, and all others as they are. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { openDatabase, type Db } from '../../../src/main/store/database.ts';
import { insertEpoch, insertGate } from '../../../src/main/store/history.ts';
import { insertRun, updateRun } from '../../../src/main/store/runs.ts';
import { epochRecord } from '../../support/epoch-record.ts';
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

test.each([
  ['epochs', 'record_json', 'null', 'The record of epoch 2 is damaged'],
  ['epochs', 'record_json', '[]', 'The record of epoch 2 is damaged'],
  ['gates', 'gate_json', '{"epoch":0}', 'A gate of epoch 2 is damaged'],
  ['gates', 'gate_json', 'null', 'A gate of epoch 2 is damaged'],
])('of a run with one damaged row in %s (%s = %s) the others are shown and the log names it', async (...damage) => {
  const [table, column, json, sentence] = damage;
  insert('rows');
  const gate = { epoch: 1, metric: 'valCosine', threshold: 0, action: 'warn' } as const;
  for (const epoch of [1, 2, 3]) {
    insertEpoch(db, 'rows', 1, epochRecord(epoch), 1);
    const result = { type: 'gate', gate, epoch, value: null, passed: true, broken: false, message: 'm' } as const;
    insertGate(db, 'rows', 1, result, 1);
  }
  db.prepare(`UPDATE ${table} SET ${column} = ? WHERE run_id = 'rows' AND epoch = 2`).run(json);
  const detail = await nextvec.client.runs.get({ runId: 'rows' });
  const numbers = { epochs: [1, 2, 3], gates: [1, 2, 3], [table]: [1, 3] };
  expect({ epochs: detail.epochs.map(({ epoch }) => epoch), gates: detail.gates.map(({ epoch }) => epoch) }).toEqual(
    numbers,
  );
  expect(detail.log.map(({ message }) => message)).toEqual([expect.stringContaining(sentence)]);
  for (const name of ['epochs', 'gates', 'runs'])
    db.prepare(`DELETE FROM ${name} WHERE ${name === 'runs' ? 'id' : 'run_id'} = 'rows'`).run();
});

test('a damaged evaluation is left out of the list, and the log of its run names it', async () => {
  insert('evaluated');
  db.prepare(
    "INSERT INTO evaluations (run_id, dataset_id, part, at_ms, result_json) VALUES ('evaluated', 'd', 'all', 1, '{}')",
  ).run();
  expect(await nextvec.client.evaluation.list({ runId: 'evaluated' })).toEqual([]);
  const { log } = await nextvec.client.runs.get({ runId: 'evaluated' });
  expect(log.map(({ message }) => message)).toEqual([
    expect.stringContaining('The evaluation on data set d of 1970-01-01'),
  ]);
});
