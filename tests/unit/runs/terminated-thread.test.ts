/** A trainer waiting for a terminated thread: the run is interrupted with the reason and resumes to the same bits. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let home: TestHome;
let nextvec: Nextvec;
let recipe: RecipeInput;
let flag: string;
let uninterrupted: string;

beforeAll(async () => {
  home = await testHome();
  const first = await home.open({ spawnTrainer: trainerHere });
  const chunks = { articles: 40, chunksPerArticle: 12, D: 16 };
  const dataset = await importChunks(first.client, join(home.path, 'walks.npz'), chunks);
  recipe = {
    dataset,
    epochs: 8,
    batchSize: 16,
    engine: 'simd',
    threads: 2,
    lambda: { mse: 1 },
    sizes: { dModel: 8, hiddenDim: 16 },
  };
  uninterrupted = (await first.client.runs.start({ recipe: { ...recipe, threads: 1 } })).runId;
  await followTo(first.client, uninterrupted, 'finished');
  await first.close();

  flag = join(home.path, 'terminate-threads');
  const preload = pathToFileURL(resolve('tests/support/terminate-threads.ts')).href;
  vi.stubEnv('NODE_OPTIONS', `--import=${preload}`);
  vi.stubEnv('NEXTVEC_TEST_TERMINATE_THREADS', flag);
  // On a loaded machine a healthy trainer may answer late.
  nextvec = await home.open({ checkpointEveryMs: 50, heartbeatMs: 400 });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await home.dispose();
});

function weights(runId: string): string {
  const folder = join(home.path, 'home', 'runs', runId);
  const last = readdirSync(folder).find((name) => name.startsWith('last-')) ?? '';
  return createHash('sha256')
    .update(readFileSync(join(folder, last, 'model.safetensors')))
    .digest('hex');
}

test('a terminated thread interrupts the run; it resumes to the bits of an uninterrupted one on one thread', async () => {
  const { runId } = await nextvec.client.runs.start({ recipe });
  await follow(nextvec.client, runId, (event) => event.type === 'epoch' && event.epoch >= 2);
  writeFileSync(flag, '');
  const run = await followTo(nextvec.client, runId, 'interrupted');
  expect(existsSync(flag)).toBe(false);
  expect(run.reason).toMatch(/has not answered for \d+ s.*threads/);
  const { log } = await nextvec.client.runs.get({ runId });
  expect(log.some(({ level, message }) => level === 'error' && message === run.reason)).toBe(true);
  await nextvec.client.runs.resume({ runId });
  const finished = await followTo(nextvec.client, runId, 'finished');
  expect(finished.step).toBe(finished.totalSteps);
  expect(weights(runId)).toBe(weights(uninterrupted));
});
