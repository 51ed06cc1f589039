/** Checkpoints of one run in the folder of another, and a missing run folder: every use is refused. */
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { openDatabase } from '../../../src/main/store/database.ts';
import { updateRun } from '../../../src/main/store/runs.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
const ids: string[] = [];

beforeAll(async () => {
  home = await testHome({ spawnTrainer: trainerHere });
  nextvec = await home.open();
  const shape = { articles: 20, chunksPerArticle: 8, D: 8 };
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), shape);
  for (const lr of [1e-3, 2e-3]) ids.push(await train({ lr }, 'finished'));
  await nextvec.close();
  const db = openDatabase(join(home.path, 'home', 'nextvec.db'));
  for (const id of ids) updateRun(db, id, { status: 'interrupted' });
  db.close();
  nextvec = await home.open();
});
afterAll(() => home.dispose());

async function train(more: object, ...end: ('finished' | 'failed')[]): Promise<string> {
  const sizes = { dModel: 8, hiddenDim: 16 };
  const recipe = { dataset, epochs: 1, batchSize: 16, engine: 'simd', threads: 1, sizes, seed: 7, ...more } as const;
  const { runId } = await nextvec.client.runs.start({ recipe });
  await followTo(nextvec.client, runId, ...end);
  return runId;
}

const folderOf = (runId: string): string => join(home.path, 'home', 'runs', runId);

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

test('every use of a checkpoint of another run is refused', async () => {
  const { client } = nextvec;
  const [other, runId] = ids;
  const aside = join(home.path, 'aside');
  await rename(folderOf(runId), aside);
  await cp(folderOf(other), folderOf(runId), { recursive: true });
  const foreign = `it is of run ${other}, not of run ${runId}`;
  await client.runs.resume({ runId });
  expect((await followTo(client, runId, 'failed')).reason).toContain(foreign);
  const source = { kind: 'dataset' as const, datasetId: dataset, windows: [0] };
  const evaluate = async () => drain(await client.evaluation.evaluate({ runId, datasetId: dataset }));
  await expect(evaluate()).rejects.toThrow(foreign);
  await expect(client.inference.predict({ runId, source })).rejects.toThrow(foreign);
  await expect(client.runs.export({ runId, format: 'safetensors' })).rejects.toThrow(foreign);
  const started = await train({ initFrom: runId }, 'failed');
  expect((await client.runs.get({ runId: started })).run.reason).toContain(foreign);
  await rm(folderOf(runId), { recursive: true });
  await rename(aside, folderOf(runId));
});

test('a run whose checkpoints are missing does not start over; it resumes once they are back', async () => {
  const { client } = nextvec;
  const [runId] = ids;
  const aside = join(home.path, 'aside');
  await rename(folderOf(runId), aside);
  await client.runs.resume({ runId });
  const { reason } = await followTo(client, runId, 'failed');
  expect(reason).toContain('The history lists the checkpoint last-');
  expect(reason).toContain('Put the folder back');
  await rename(aside, folderOf(runId));
  await client.runs.resume({ runId });
  await followTo(client, runId, 'finished');
});
