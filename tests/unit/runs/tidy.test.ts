/** Run folders and history that have drifted apart: what a start lists again, removes and leaves. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { writeCheckpoint } from '../../../src/main/checkpoints/write.ts';
import { tidyRuns } from '../../../src/main/runs/tidy.ts';
import { listCheckpoints } from '../../../src/main/store/history.ts';
import { openHome, type Home } from '../../../src/main/store/home.ts';
import { findRun } from '../../../src/main/store/runs.ts';
import { readRecipe } from '../../../src/main/store/stored-json.ts';
import { SMALL_SPEC, checkpointAt } from '../../support/checkpoint.ts';
import { testHome, type TestHome } from '../../support/nextvec.ts';

const RUN = 'abcdef012345';
const recipe: Recipe = RecipeSchema.parse({ dataset: 'gone', epochs: 9, seed: 5 });

let place: TestHome;
let home: Home;
beforeEach(async () => {
  place = await testHome();
  home = openHome(join(place.path, 'home'), 'owner', 'test');
});
afterEach(async () => {
  home.close();
  await place.dispose();
});

async function writeRun(runId: string, more: { recipe?: Recipe } = {}): Promise<void> {
  const options = { runFolder: home.runFolder(runId), runId, spec: SMALL_SPEC, valCosine: 0.25, ...more };
  mkdirSync(home.runFolder(runId));
  await writeCheckpoint(checkpointAt(10), { ...options, kind: 'best' });
  await writeCheckpoint(checkpointAt(20), { ...options, kind: 'last' });
}

test('a run folder whose row is lost is listed again, once, with recipe and checkpoints', async () => {
  await writeRun(RUN, { recipe });
  expect(await tidyRuns(home, '1')).toEqual([expect.stringContaining('listed again')]);
  const row = findRun(home.db, RUN)!;
  expect(row).toMatchObject({ number: 1, status: 'interrupted', epoch: 1, step: 20, dataset_id: null });
  expect(readRecipe(row.recipe_json)).toMatchObject({ epochs: 9, seed: 5 });
  expect(listCheckpoints(home.db, RUN).map(({ kind, step }) => [kind, step])).toEqual([
    ['last', 20],
    ['best', 10],
  ]);
  expect(await tidyRuns(home, '1')).toEqual([]);
});

test('a folder of an earlier version, without a recipe, is listed with what its model shows', async () => {
  await writeRun(RUN);
  await tidyRuns(home, '1');
  const sizes = { dModel: 2, hiddenDim: 4 };
  expect(readRecipe(findRun(home.db, RUN)!.recipe_json)).toMatchObject({ modelType: 'amn', sizes, seed: 1 });
});

test('damaged and foreign folders stay and are reported; empty, half-written and deleted ones go', async () => {
  await writeRun(RUN);
  cpSync(home.runFolder(RUN), home.runFolder('aaaaaaaaaaaa'), { recursive: true });
  for (const name of readdirSync(home.runFolder(RUN)))
    writeFileSync(join(home.runFolder(RUN), name, 'model.safetensors'), '');
  mkdirSync(home.runFolder('bbbbbbbbbbbb'));
  mkdirSync(join(home.runFolder('cccccccccccc'), '.best-0000000010-0.tmp'), { recursive: true });
  mkdirSync(join(home.runsFolder, '.deleted-dddddddddddd', 'best-0000000010-0'), { recursive: true });
  const lines = await tidyRuns(home, '1');
  expect(readdirSync(home.runsFolder).toSorted()).toEqual(['aaaaaaaaaaaa', RUN]);
  expect(lines.filter((line) => line.includes('holds no whole checkpoint'))).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith('Removed'))).toHaveLength(2);
});

test('partial exports of dead processes go, those of living ones stay', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const of = (id: number): string => join(home.exportsFolder, `run-1.onnx.${id}.tmp`);
  for (const id of [pid, process.pid]) writeFileSync(of(id), '');
  mkdirSync(`${of(pid)}.${pid}.tmp`);
  await tidyRuns(home, '1');
  expect(readdirSync(home.exportsFolder)).toEqual([`run-1.onnx.${process.pid}.tmp`]);
});

test('a start on a folder whose database was deleted lists its runs again', async () => {
  await writeRun(RUN, { recipe });
  home.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(home.path, `nextvec.db${suffix}`), { force: true });
  const nextvec = await place.open();
  const [run] = await nextvec.client.runs.list();
  expect(run).toMatchObject({ id: RUN, status: 'interrupted', recipe: { epochs: 9 } });
  await nextvec.client.runs.delete({ runId: RUN });
  expect(existsSync(home.runFolder(RUN))).toBe(false);
  await nextvec.close();
  home = openHome(home.path, 'owner', 'test');
});
