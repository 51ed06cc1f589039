/**
 * Runs on a cluster: same weights as here, also after a killed job, a Ray or an app started anew. With a stand-in for Ray,
 * or a real one where NEXTVEC_TEST_RAY names a folder to install it in (tests/support/ray.sh).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { programFiles } from '../../../src/main/hosts/locations.ts';
import { checkCluster } from '../../../src/main/runs/ray/check.ts';
import { RayClient } from '../../../src/main/runs/ray/client.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import type { RunDetail, RunSummary } from '#shared/contract/runs.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';
import { RayStandIn, type TestRay } from '../../support/ray-stand-in.ts';
import { RealRay } from '../../support/real-ray.ts';

// Each job is a program of its own that has to start.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const PROGRAM = `${process.execPath} out/main/cli.js`;
const { NEXTVEC_TEST_RAY } = process.env;
/** Longer than a real Ray takes to stop. */
const EPOCHS = NEXTVEC_TEST_RAY ? 400 : 8;
const ray: TestRay = NEXTVEC_TEST_RAY ? new RealRay(NEXTVEC_TEST_RAY) : new RayStandIn();
let home: TestHome;
let nextvec: Nextvec;
let shared: string;
let dataset: string;
let local: RunDetail;

const open = (): Promise<Nextvec> =>
  home.open({ version: programFiles().version, checkpointEveryMs: 100, runsQueue: true });

beforeAll(async () => {
  // Runs that are not sent to Ray train in this process.
  home = await testHome({ spawnTrainer: trainerHere });
  shared = join(home.path, 'shared folder');
  await ray.start();
  nextvec = await open();
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), {
    articles: 40,
    chunksPerArticle: 12,
    D: 16,
  });
  await nextvec.client.app.settings.set({
    clusters: [{ address: ray.address, folder: shared, command: PROGRAM, cpus: 1, gpus: 0, jobs: 2 }],
  });
  local = await finished(await start(null));
});
afterAll(async () => {
  await home.dispose();
  await ray.stop();
});

async function start(on: string | null, more: Partial<RecipeInput> = {}): Promise<string> {
  const recipe: RecipeInput = {
    dataset,
    epochs: EPOCHS,
    batchSize: 16,
    engine: 'simd',
    threads: 1,
    lambda: { mse: 1, info_nce: 0.1 },
    seed: 7,
    split: { validationShare: 0.2 },
    ...more,
  };
  return (await nextvec.client.runs.start({ recipe, on })).runId;
}

async function finished(runId: string): Promise<RunDetail> {
  await followTo(nextvec.client, runId, 'finished');
  return nextvec.client.runs.get({ runId });
}

/** Epochs and weights are those of the run that trained here, and every step is in the series once. */
async function expectSame({ run, epochs }: RunDetail): Promise<void> {
  expect(epochs.map(({ trainLoss, valCosine }) => [trainLoss, valCosine])).toEqual(
    local.epochs.map(({ trainLoss, valCosine }) => [trainLoss, valCosine]),
  );
  expect(await weightsOf(run.id)).toEqual(await weightsOf(local.run.id));
  const series = async (runId: string): Promise<number[][]> => {
    const { step, mean } = await nextvec.client.runs.series({ runId, columns: ['total'], maxPoints: 20_000 });
    return [[...step], [...mean.total]];
  };
  expect(await series(run.id)).toEqual(await series(local.run.id));
}

/** Hashes of its best and last weights. */
async function weightsOf(runId: string): Promise<string[]> {
  const folder = join(home.path, 'home', 'runs', runId);
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  const hash = async (name: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(join(folder, name, 'model.safetensors')))
      .digest('hex');
  return Promise.all(names.map(hash));
}

const untilEpoch = (runId: string, epoch: number) =>
  follow(nextvec.client, runId, (event) => event.type === 'epoch' && event.epoch >= epoch);

it('trains as a job of the run’s id to the same weights, and leaves only the data in the shared folder', async () => {
  const runId = await start(ray.address);
  const detail = await finished(runId);
  expect(await ray.jobsOf(runId)).toEqual([runId]);
  await expectSame(detail);
  expect(detail.run.on).toBe(ray.address);
  await expect.poll(() => existsSync(join(shared, 'runs', runId)), { timeout: 60_000 }).toBe(false);
  const [set] = await readdir(join(shared, 'datasets'));
  expect(await readdir(join(shared, 'datasets', set))).not.toContain('texts.bin');
});

it('goes on as another job when its job is killed, and when Ray is stopped and started', async () => {
  const runId = await start(ray.address);
  await untilEpoch(runId, 1);
  await ray.kill(runId);
  await follow(nextvec.client, runId, (event) => event.type === 'log' && event.line.message.includes(`job ${runId}-2`));
  await untilEpoch(runId, 2);
  await ray.stop();
  await ray.start();
  const detail = await finished(runId);
  expect(detail.log.filter(({ message }) => message.includes('goes on as another job'))).toHaveLength(2);
  await expectSame(detail);
});

it('follows a job again that has gone on while the app was closed', async () => {
  const runId = await start(ray.address);
  await untilEpoch(runId, 1);
  await nextvec.close();
  nextvec = await open();
  await expectSame(await finished(runId));
  expect(await ray.jobsOf(runId)).toEqual([runId]);
});

it('pauses, goes on, and stops with a checkpoint', async () => {
  const runId = await start(ray.address, { epochs: 400 });
  await untilEpoch(runId, 1);
  await nextvec.client.runs.pause({ runId });
  await followTo(nextvec.client, runId, 'paused');
  await nextvec.client.runs.resume({ runId });
  await followTo(nextvec.client, runId, 'running');
  await nextvec.client.runs.stop({ runId });
  const run = await followTo(nextvec.client, runId, 'stopped');
  expect(run.reason).toBe('Stopped on request.');
  expect((await weightsOf(runId)).length).toBeGreaterThan(0);
  await nextvec.client.runs.delete({ runId });
  expect(existsSync(join(shared, 'runs', runId))).toBe(false);
});

it('trains a sweep there to the weights it has here', async () => {
  // A real Ray has more to prove.
  const size = NEXTVEC_TEST_RAY ? { members: 5, seeds: 2 } : { members: 2, seeds: 1 };
  const weights = async (on: string | null): Promise<Record<string, string[]>> => {
    const runs = await sweep(on, size);
    expect(runs).toHaveLength((size.members + 1) * size.seeds);
    expect(runs.map((run) => [run.on ?? null, run.status])).toEqual(runs.map(() => [on, 'finished']));
    const entries = runs.map(async (run) => [run.name, await weightsOf(run.id)] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  expect(await weights(ray.address)).toEqual(await weights(null));
});

async function sweep(
  on: string | null,
  size: { readonly members: number; readonly seeds: number },
): Promise<RunSummary[]> {
  const plan = await nextvec.client.plans.create({
    name: 'Sweep',
    dataset,
    on,
    items: [
      {
        key: 'sweep',
        kind: 'sweep',
        recipe: { epochs: 2, batchSize: 16, engine: 'simd', threads: 1, sizes: { dModel: 8, hiddenDim: 16 } },
        sweep: {
          axes: [{ path: 'lr', kind: 'range', low: 1e-4, high: 1e-3, scale: 'log' }],
          method: 'random',
          ...size,
        },
      },
    ],
  });
  for await (const { plans } of await nextvec.client.plans.watch())
    if (plans.find(({ id }) => id === plan.id)?.status === 'done') break;
  const { members } = await nextvec.client.plans.sweep({ itemId: plan.items[0].id });
  const ids = members.flatMap(({ runs }) => runs.map(({ runId }) => runId ?? ''));
  return Promise.all(ids.map(async (runId) => (await nextvec.client.runs.get({ runId })).run));
}

it('says what is wrong with a cluster: not kept, program missing, another version, no Ray', async () => {
  await expect(start('ray://127.0.0.1:1')).rejects.toThrow('There is no cluster ray://127.0.0.1:1 in the settings');
  const check = (more: object): Promise<unknown> =>
    nextvec.client.runs.checkCluster({
      cluster: { address: ray.address, folder: shared, command: 'no-such-program', ...more },
    });
  await expect(check({})).rejects.toThrow(/no-such-program.*not found/);
  await expect(check({ address: 'ray://127.0.0.1:1' })).rejects.toThrow('does not answer: ECONNREFUSED');
  await expect(check({ folder: '/proc/none' })).rejects.toThrow('/proc/none cannot be written here');
  const cluster = { address: ray.address, folder: shared, command: PROGRAM, cpus: 1, gpus: 0, jobs: 1 };
  await expect(checkCluster(new RayClient(ray.address), cluster, '9.9.9')).rejects.toThrow(
    `has Nextvec ${programFiles().version}, this machine 9.9.9`,
  );
});
