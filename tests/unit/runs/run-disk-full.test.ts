/** Runs on a full disk pause with the reason, stay paused while it is full, and end with the same bits. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type * as database from '../../../src/main/store/database.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const opened = vi.hoisted(() => ({ db: null as database.Db | null }));
vi.mock('../../../src/main/store/database.ts', async (original) => {
  const real = await original<typeof database>();
  return {
    ...real,
    openDatabase: (...args: Parameters<typeof real.openDatabase>) => (opened.db = real.openDatabase(...args)),
  };
});

let home: TestHome;
let nextvec: Nextvec;
let recipe: RecipeInput;
let flag: string;
let uninterrupted: string[];

const fillDisk = (): void => writeFileSync(flag, '');
const freeDisk = (): void => rmSync(flag, { force: true });

beforeAll(async () => {
  home = await testHome();
  flag = join(home.path, 'full');
  const preload = pathToFileURL(resolve('tests/support/full-disk.ts')).href;
  vi.stubEnv('NODE_OPTIONS', `--import=${preload}`);
  vi.stubEnv('NEXTVEC_TEST_FULL_DISK', flag);
  nextvec = await home.open({ checkpointEveryMs: 100 });
  const dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), {
    articles: 30,
    chunksPerArticle: 12,
    D: 16,
  });
  recipe = {
    dataset,
    epochs: 6,
    batchSize: 16,
    engine: 'simd',
    threads: 1,
    lambda: { mse: 1 },
    sizes: { dModel: 8, hiddenDim: 16 },
  };
  const { runId } = await nextvec.client.runs.start({ recipe });
  await followTo(nextvec.client, runId, 'finished');
  uninterrupted = weights(runId);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await home.dispose();
});

/** Of `best` and `last`. */
function weights(runId: string): string[] {
  const folder = join(home.path, 'home', 'runs', runId);
  const names = readdirSync(folder).filter((name) => /^(best|last)-/.test(name));
  expect(names).toHaveLength(2);
  return names.toSorted().map((name) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name, 'model.safetensors')))
      .digest('hex'),
  );
}

async function logOf(runId: string): Promise<string> {
  return (await nextvec.client.runs.get({ runId })).log.map(({ message }) => message).join('\n');
}

test('disk full at an intermediate checkpoint', async () => {
  const { runId } = await nextvec.client.runs.start({ recipe });
  await follow(nextvec.client, runId, (event) => event.type === 'epoch');
  fillDisk();
  const paused = await followTo(nextvec.client, runId, 'paused');
  expect(paused.reason).toMatch(/disk is full.*Free some space/);
  expect(paused.waitsForSpace).toBe(true);
  await nextvec.client.runs.resume({ runId });
  await expect.poll(async () => (await nextvec.client.runs.get({ runId })).run.status).toBe('paused');
  freeDisk();
  await nextvec.client.runs.resume({ runId });
  const finished = await followTo(nextvec.client, runId, 'finished');
  expect(finished.waitsForSpace).toBeUndefined();
  expect(weights(runId)).toEqual(uninterrupted);
  expect(await logOf(runId)).toContain('The disk has room again');
});

test('disk full at the final checkpoints: none is missing after resume', async () => {
  fillDisk();
  const { runId } = await nextvec.client.runs.start({ recipe: { ...recipe, epochs: 1, seed: 3 } });
  await followTo(nextvec.client, runId, 'paused');
  freeDisk();
  await nextvec.client.runs.resume({ runId });
  await followTo(nextvec.client, runId, 'finished');
  const [best, last] = weights(runId);
  expect(best).toBe(last);
  const stored = (await nextvec.client.runs.get({ runId })).run;
  expect(stored.storedBytes).toBeGreaterThan(10_000);
});

test('disk full for the history: the run reports its pause although its row is not updated', async () => {
  const { runId } = await nextvec.client.runs.start({ recipe });
  await follow(nextvec.client, runId, (event) => event.type === 'epoch');
  const db = opened.db!;
  const pages = db.pragma('page_count', { simple: true }) as number;
  db.pragma(`max_page_count = ${pages}`);
  const paused = await followTo(nextvec.client, runId, 'paused');
  expect(paused.reason).toMatch(/disk is full/);
  expect(paused.waitsForSpace).toBe(true);
  db.pragma('max_page_count = 1000000');
  await expect.poll(() => logOf(runId)).toContain('The history can be written again');
  await expect.poll(async () => (await logOf(runId)).includes('Paused: ')).toBe(true);
  await nextvec.client.runs.resume({ runId });
  await followTo(nextvec.client, runId, 'finished');
  expect(weights(runId)).toEqual(uninterrupted);
  const { step } = await nextvec.client.runs.series({ runId, columns: ['total'], maxPoints: 20_000 });
  expect(Array.from(step)).toEqual(Array.from(step, (_, i) => i + 1));
});
