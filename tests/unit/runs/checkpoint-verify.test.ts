/** `doctor --check` says which checkpoints are damaged, missing or of another run. */
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';

let home: TestHome;
let nextvec: Nextvec;
const ids: string[] = [];
let copies: string;
let best: string;
let last: string;

beforeAll(async () => {
  home = await testHome({ spawnTrainer: trainerHere });
  nextvec = await home.open();
  const shape = { articles: 12, chunksPerArticle: 8, D: 8 };
  const dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), shape);
  for (const seed of [1, 2]) {
    const sizes = { dModel: 8, hiddenDim: 16 };
    const recipe = { dataset, epochs: 1, batchSize: 16, engine: 'simd', threads: 1, sizes, seed } as const;
    const { runId } = await nextvec.client.runs.start({ recipe });
    await followTo(nextvec.client, runId, 'finished');
    ids.push(runId);
  }
  copies = join(home.path, 'copies');
  await cp(runsFolder(), copies, { recursive: true });
  [best, last] = readdirSync(folderOf(ids[0])).toSorted();
});
afterEach(async () => {
  await rm(runsFolder(), { recursive: true });
  await cp(copies, runsFolder(), { recursive: true });
});
afterAll(() => home.dispose());

const runsFolder = (): string => join(home.path, 'home', 'runs');
const folderOf = (runId: string): string => join(runsFolder(), runId);

/** State and problem of the first run; the second one must be whole. */
async function check(): Promise<{ state: string; problem: string | null }> {
  const { checks } = await nextvec.client.app.doctor({ check: true });
  const [second, first] = checks?.filter(({ kind }) => kind === 'run') ?? [];
  expect(second).toMatchObject({ name: expect.stringMatching(/^#2 /), state: 'whole', problem: null });
  expect(first.name).toMatch(/^#1 /);
  return first;
}

test('checkpoints as they were written are whole', async () => {
  expect(await check()).toMatchObject({ state: 'whole', problem: null });
});

test.each(['model.safetensors', 'optimizer.safetensors', 'golden.safetensors', 'checkpoint.json'])(
  'one flipped bit of %s',
  async (file) => {
    const path = join(folderOf(ids[0]), last, file);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(path, bytes);
    const { state, problem } = await check();
    expect(state).toBe('damaged');
    expect(problem).toContain(`The checkpoint ${path} cannot be used`);
    expect(problem).not.toContain(best);
  },
);

test('a missing checkpoint is named', async () => {
  const path = join(folderOf(ids[0]), best);
  await rm(path, { recursive: true });
  const { state, problem } = await check();
  expect(state).toBe('damaged');
  expect(problem).toBe(
    `The checkpoint ${path} is missing. Put the folder of the run back from a backup, or train it again.`,
  );
});

test('a checkpoint of another run is named', async () => {
  const path = join(folderOf(ids[0]), last);
  await rm(path, { recursive: true });
  await cp(join(folderOf(ids[1]), last), path, { recursive: true });
  expect((await check()).problem).toContain(`it is of run ${ids[1]}, not of run ${ids[0]}`);
});

test('a newer checkpoint than the history lists is no damage: Nextvec ended before its row was written', async () => {
  const [kind, step] = last.split('-');
  await rename(join(folderOf(ids[0]), last), join(folderOf(ids[0]), `${kind}-${step}-9`));
  expect(await check()).toMatchObject({ state: 'whole' });
});
