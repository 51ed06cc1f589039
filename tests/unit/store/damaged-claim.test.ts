/** One damaged row of the claims is left out of the list; the others stay. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openClaim } from '#shared/domain/verdicts/claims.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { openDatabase, type Db } from '../../../src/main/store/database.ts';
import { listClaims, putClaim } from '../../../src/main/store/evaluations.ts';

const recipe = RecipeSchema.parse({ dataset: 'd' });
const outcome = openClaim({ metric: 'valCosine', low: 0.1, high: 0.2, basis: 'an earlier run' });

let db: Db;
beforeEach(() => {
  db = openDatabase(':memory:');
  db.pragma('foreign_keys = OFF');
  for (const runId of ['first', 'damaged', 'last']) putClaim(db, runId, recipe, outcome, 1);
});
afterEach(() => db.close());

test.each([
  ['recipe_json', 'null'],
  ['recipe_json', '{"dataset":"d","lr":-1}'],
  ['outcome_json', '[]'],
  ['outcome_json', 'null'],
  ['outcome_json', '{"outcome":"open"}'],
])('%s = %s', (column, json) => {
  expect(listClaims(db)).toHaveLength(3);
  db.prepare(`UPDATE claims SET ${column} = ? WHERE run_id = 'damaged'`).run(json);
  expect(listClaims(db).map(({ runId }) => runId)).toEqual(['last', 'first']);
});
