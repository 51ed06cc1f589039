/** The storage folder is moved or deleted while a run trains: the run ends and says so, and nothing is made again. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { writeCheckpoint } from '../../../src/main/checkpoints/write.ts';
import { SMALL_SPEC, checkpointAt } from '../../support/checkpoint.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open({ checkpointEveryMs: 50 });
  const shape = { articles: 20, chunksPerArticle: 8, D: 8 };
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), shape);
});
afterAll(() => home.dispose());

test('a checkpoint is not written where its run folder was deleted', async () => {
  const runFolder = join(home.path, 'gone', 'run');
  const options = { runFolder, runId: 'r', spec: SMALL_SPEC, kind: 'last', valCosine: null } as const;
  await expect(writeCheckpoint(checkpointAt(10), options)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  expect(existsSync(join(home.path, 'gone'))).toBe(false);
});

test.each([
  ['moved', (path: string) => renameSync(path, join(home.path, 'elsewhere')), true],
  ['deleted', (path: string) => rmSync(path, { recursive: true }), false],
] as const)('a run whose storage folder is %s fails with the reason', async (_, takeAway, isKept) => {
  const path = join(home.path, 'home');
  const sizes = { dModel: 8, hiddenDim: 16 };
  const recipe = { dataset, epochs: 5000, batchSize: 16, engine: 'simd', threads: 1, sizes } as const;
  const { runId } = await nextvec.client.runs.start({ recipe });
  await follow(nextvec.client, runId, (event) => event.type === 'epoch');
  takeAway(path);
  const { reason } = await followTo(nextvec.client, runId, 'failed');
  expect(reason).toMatch(/moved or deleted while (this|its) run trained/);
  expect(existsSync(path)).toBe(false);
  await nextvec.close();
  expect(existsSync(path)).toBe(false);
  if (!isKept) return;
  renameSync(join(home.path, 'elsewhere'), path);
  nextvec = await home.open({ checkpointEveryMs: 50 });
  await nextvec.client.runs.resume({ runId });
  await followTo(nextvec.client, runId, 'running');
  await nextvec.client.runs.stop({ runId, at: 'now' });
  await followTo(nextvec.client, runId, 'stopped');
});
