/** The life of a run with a real trainer process: start to history, pause, kill -9 and resume, close and reopen, queue. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Nextvec, NextvecOptions } from '../../../src/main/nextvec.ts';
import { readCheckpoint } from '../../../src/main/checkpoints/read.ts';
import { findResumable, listCheckpointFolders } from '../../../src/main/checkpoints/resume.ts';
import { folderBytes } from '../../../src/main/store/home.ts';
import { forkTrainer, type TrainerProcess } from '../../../src/main/processes/trainer-process.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { trainerHere } from '../../support/trainer-here.ts';

// Starting and killing processes is slow on a loaded machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const EPOCHS = 12;
const TRAINER = 'out/main/trainer.js';

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let trainers: TrainerProcess[] = [];
let spawn = forkTrainer(TRAINER);

function open(more: Partial<NextvecOptions> = {}): Promise<Nextvec> {
  const spawnTrainer = () => {
    const trainer = spawn();
    trainers.push(trainer);
    return trainer;
  };
  return home.open({ spawnTrainer, checkpointEveryMs: 150, ...more });
}

beforeAll(async () => {
  home = await testHome();
  nextvec = await open();
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), {
    articles: 40,
    chunksPerArticle: 12,
    D: 16,
  });
});
afterAll(() => home.dispose());

const recipe = (more: Partial<RecipeInput> = {}): RecipeInput => ({
  dataset,
  epochs: EPOCHS,
  batchSize: 16,
  engine: 'simd',
  threads: 1,
  // Checkpoints of 300 kB.
  sizes: { dModel: 64, hiddenDim: 128 },
  lambda: { mse: 1, info_nce: 0.1 },
  seed: 7,
  // Eight articles: enough for intervals.
  split: { validationShare: 0.2, excludedArticles: '3,7-12' },
  ...more,
});

async function start(more: Partial<RecipeInput> = {}): Promise<string> {
  return (await nextvec.client.runs.start({ recipe: recipe(more) })).runId;
}

/** Hash of the weights of a run's newest checkpoint of a kind. */
async function weightsOf(runId: string, kind: 'last' | 'best'): Promise<string> {
  const folder = join(home.path, 'home', 'runs', runId);
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${kind}-`));
  expect(names).toHaveLength(1);
  return createHash('sha256')
    .update(await readFile(join(folder, names[0], 'model.safetensors')))
    .digest('hex');
}

/** The loss of every step, from the history. */
async function losses(runId: string): Promise<number[]> {
  const series = await nextvec.client.runs.series({ runId, columns: ['total', 'cosine'], maxPoints: 20_000 });
  expect(series.stepsPerPoint).toBe(1);
  expect(Array.from(series.step)).toEqual(Array.from(series.step, (_, i) => i + 1));
  return Array.from(series.mean.total);
}

let uninterrupted: { readonly runId: string; readonly losses: number[]; readonly last: string; readonly best: string };

describe('a run', () => {
  test('trains to the end and is recorded completely', async () => {
    const runId = await start();
    const run = await followTo(nextvec.client, runId, 'finished');
    const detail = await nextvec.client.runs.get({ runId });
    expect(run.totalSteps).toBe(run.step);
    expect(run.trainRows! + run.valRows!).toBeLessThan(40 * 7);
    expect(run.splitProof?.warnings).toEqual([expect.stringMatching(/windows of excluded articles are left out/)]);
    expect(run.engine?.name).toBe('simd');
    expect(run.splitProof).toMatchObject({ ok: true, sharedArticles: 0, sharedVectors: 0 });
    expect(detail.epochs.map((e) => e.epoch)).toEqual(Array.from({ length: EPOCHS }, (_, i) => i + 1));
    expect(detail.epochs.at(-1)?.trainLoss).toBeLessThan(detail.epochs[0].trainLoss!);
    const best = detail.epochs.toSorted((a, b) => a.valLoss! - b.valLoss!)[0];
    expect(run.best).toMatchObject({ epoch: best.epoch, valCosine: best.valCosine });
    expect(run.valLift).toBeCloseTo(best.valCosine! - run.baselines.contextMean!.valCosine!, 12);
    const { valCosine, valLift, valBestLift } = run.best!.intervals!;
    expect(valCosine!.low).toBeLessThan(best.valCosine!);
    expect(valCosine!.high).toBeGreaterThan(best.valCosine!);
    expect(valLift!.low).toBeLessThanOrEqual(run.valLift!);
    expect(valBestLift!.high).toBeGreaterThanOrEqual(run.valBestLift!);
    expect(run.best!.intervals).toEqual(best.intervals);
    expect(run.sparkline).toEqual(detail.epochs.map((e) => e.valCosine));
    expect(run.epochsDone).toBe(EPOCHS);
    const steps = await losses(runId);
    expect(steps).toHaveLength(run.totalSteps!);
    expect(steps.every(Number.isFinite)).toBe(true);
    const last = await weightsOf(runId, 'last');
    uninterrupted = { runId, losses: steps, last, best: await weightsOf(runId, 'best') };
  });

  test('pauses and resumes to the same bits', async () => {
    const runId = await start();
    await follow(nextvec.client, runId, (event) => event.type === 'steps' && event.firstStep > 5);
    await nextvec.client.runs.pause({ runId });
    const paused = await followTo(nextvec.client, runId, 'paused');
    expect(paused.step).toBeLessThan(paused.totalSteps!);
    await nextvec.client.runs.resume({ runId });
    await followTo(nextvec.client, runId, 'finished');
    expect(await losses(runId)).toEqual(uninterrupted.losses);
    expect(await weightsOf(runId, 'last')).toBe(uninterrupted.last);
    const { run } = await nextvec.client.runs.get({ runId });
    const { run: straight } = await nextvec.client.runs.get({ runId: uninterrupted.runId });
    expect(run.best?.intervals).toEqual(straight.best?.intervals);
  });

  test('killed twice with -9, resumes to the same bits and history', async () => {
    const runId = await start();
    for (const step of [30, 60]) {
      await follow(nextvec.client, runId, (event) => event.type === 'steps' && event.firstStep > step);
      trainers.at(-1)?.kill();
      const run = await followTo(nextvec.client, runId, 'interrupted');
      expect(run.reason).toContain('killed');
      await nextvec.client.runs.resume({ runId });
      await followTo(nextvec.client, runId, 'running');
    }
    await followTo(nextvec.client, runId, 'finished');
    expect(await losses(runId)).toEqual(uninterrupted.losses);
    expect(await weightsOf(runId, 'last')).toBe(uninterrupted.last);
    expect(await weightsOf(runId, 'best')).toBe(uninterrupted.best);
    const { epochs } = await nextvec.client.runs.get({ runId });
    expect(epochs.map((e) => e.epoch)).toEqual(Array.from({ length: EPOCHS }, (_, i) => i + 1));
  });

  test('on windows with history, killed with -9, resumes to the same bits', async () => {
    const chunks = { articles: 40, chunksPerArticle: 12, D: 16 };
    const dataset = await importChunks(nextvec.client, join(home.path, 'history.npz'), chunks, 4);
    const straight = await start({ dataset, epochs: 4 });
    await followTo(nextvec.client, straight, 'finished');
    const killed = await start({ dataset, epochs: 4 });
    await follow(nextvec.client, killed, (event) => event.type === 'steps' && event.firstStep > 20);
    trainers.at(-1)?.kill();
    await followTo(nextvec.client, killed, 'interrupted');
    await nextvec.client.runs.resume({ runId: killed });
    const run = await followTo(nextvec.client, killed, 'finished');
    expect(run.task).toEqual({ context: 5, history: 4 });
    expect(await losses(killed)).toEqual(await losses(straight));
    for (const kind of ['last', 'best'] as const)
      expect(await weightsOf(killed, kind)).toBe(await weightsOf(straight, kind));
  });

  test('goes on from its checkpoint on another engine where asked, and says that it rounds differently', async () => {
    const runId = await start({ epochs: 4, sizes: { dModel: 8, hiddenDim: 16 } });
    await follow(nextvec.client, runId, (event) => event.type === 'epoch');
    await nextvec.client.runs.pause({ runId });
    const paused = await followTo(nextvec.client, runId, 'paused');
    await expect(nextvec.client.runs.resume({ runId, engine: 'wasm' })).rejects.toThrow(
      /a paused run keeps its engine/,
    );
    const before = await losses(runId);
    trainers.at(-1)?.kill();
    await followTo(nextvec.client, runId, 'interrupted');
    await nextvec.client.runs.resume({ runId, engine: 'wasm' });
    const finished = await followTo(nextvec.client, runId, 'finished');
    expect(finished).toMatchObject({ step: finished.totalSteps, engine: { name: 'wasm' }, recipe: { engine: 'simd' } });
    expect((await losses(runId)).slice(0, paused.step)).toEqual(before);
    const { log } = await nextvec.client.runs.get({ runId });
    expect(log.map(({ message }) => message).join(' ')).toMatch(/computed by simd; wasm rounds differently/);
  });

  test('closing the app saves it; the next start resumes to the same bits', async () => {
    const runId = await start();
    await follow(nextvec.client, runId, (event) => event.type === 'steps' && event.firstStep > 20);
    const queued = await start();
    await nextvec.close();
    nextvec = await open();
    const run = (await nextvec.client.runs.get({ runId })).run;
    expect(run).toMatchObject({ status: 'interrupted', reason: 'The app was closed.' });
    expect((await nextvec.client.runs.get({ runId: queued })).run.status).toBe('interrupted');
    await nextvec.client.runs.resume({ runId });
    await followTo(nextvec.client, runId, 'finished');
    expect(await losses(runId)).toEqual(uninterrupted.losses);
    expect(await weightsOf(runId, 'last')).toBe(uninterrupted.last);
  });
});

describe('a run trained in this process', () => {
  beforeAll(async () => {
    await nextvec.close();
    spawn = trainerHere;
    nextvec = await open();
  });

  test('takes the baselines of a run on the same data, split and seed; on another seed measures its own', async () => {
    const finished: { baselines: unknown; messages: string }[] = [];
    for (const seed of [7, 8]) {
      const runId = await start({ seed, epochs: 1 });
      const { baselines } = await followTo(nextvec.client, runId, 'finished');
      const { log } = await nextvec.client.runs.get({ runId });
      finished.push({ baselines, messages: log.map(({ message }) => message).join(' ') });
    }
    const { baselines } = (await nextvec.client.runs.get({ runId: uninterrupted.runId })).run;
    const [same, other] = finished;
    expect(same.messages).toMatch(/Baselines as run #\d+ measured them/);
    expect(same.baselines).toEqual(baselines);
    expect(other.messages).toContain('Baselines measured in');
    expect(other.baselines).not.toEqual(baselines);
  });

  test('one trains at a time; pausing or finishing starts the next', async () => {
    trainers = [];
    const first = await start();
    const second = await start();
    await followTo(nextvec.client, first, 'running');
    expect((await nextvec.client.runs.get({ runId: second })).run.status).toBe('queued');
    await nextvec.client.runs.pause({ runId: first });
    await followTo(nextvec.client, second, 'running');
    await nextvec.client.runs.resume({ runId: first });
    expect((await nextvec.client.runs.get({ runId: first })).run.status).toBe('queued');
    await nextvec.client.runs.stop({ runId: second });
    const stopped = await followTo(nextvec.client, second, 'stopped');
    expect(stopped.reason).toBe('Stopped on request.');
    await followTo(nextvec.client, first, 'finished');
    expect(trainers).toHaveLength(2);
    expect(nextvec.activeRuns()).toBe(0);
  });

  test('gates pause or stop it with a reason', async () => {
    const gate = { metric: 'valCosine', threshold: 0.999 } as const;
    const gates = [
      { epoch: 1, action: 'pause', ...gate },
      { epoch: 2, action: 'stop', ...gate },
    ] as const;
    const missed: number[] = [];
    const controller = new AbortController();
    const changes = await nextvec.client.runs.changes(undefined, { signal: controller.signal });
    const watching = (async () => {
      for await (const change of changes) if (change.type === 'gate') missed.push(change.result.epoch);
    })();
    const runId = await start({ gates: [...gates] });
    const paused = await followTo(nextvec.client, runId, 'paused');
    expect(paused.reason).toContain('Gate at epoch 1');
    await nextvec.client.runs.resume({ runId });
    const stopped = await followTo(nextvec.client, runId, 'stopped');
    expect(stopped.reason).toContain('Gate at epoch 2');
    const detail = await nextvec.client.runs.get({ runId });
    expect(detail.gates.map(({ epoch, passed }) => ({ epoch, passed }))).toEqual([
      { epoch: 1, passed: false },
      { epoch: 2, passed: false },
    ]);
    expect(detail.epochs).toHaveLength(2);
    controller.abort();
    await watching.catch(() => undefined);
    expect(missed).toEqual([1, 2]);
  });

  test('refuses a damaged last checkpoint with its place', async () => {
    const runId = await start();
    await follow(nextvec.client, runId, (event) => event.type === 'epoch');
    await nextvec.client.runs.stop({ runId });
    await followTo(nextvec.client, runId, 'stopped');
    const folder = join(home.path, 'home', 'runs', runId);
    const [name] = (await readdir(folder)).filter((n) => n.startsWith('last-'));
    const { truncate } = await import('node:fs/promises');
    await truncate(join(folder, name, 'optimizer.safetensors'), 1000);
    await nextvec.client.runs.resume({ runId });
    const run = await followTo(nextvec.client, runId, 'failed');
    expect(run.reason).toContain('optimizer.safetensors');
    expect(run.reason).toContain('1000 bytes');
  });

  test('keeps last, best and every third epoch, and resumes from a kept one', async () => {
    await nextvec.client.app.settings.set({ keepEveryEpochs: 3 });
    const runId = await start();
    await followTo(nextvec.client, runId, 'finished');
    await nextvec.client.app.settings.set({ keepEveryEpochs: 0 });
    const folder = join(home.path, 'home', 'runs', runId);
    const kept = await listCheckpointFolders(folder, ['kept']);
    const stepsPerEpoch = uninterrupted.losses.length / EPOCHS;
    const read = await Promise.all(kept.map((name) => readCheckpoint(join(folder, name), { runId, weightHashes: {} })));
    expect(read.map(({ state }) => state.step)).toEqual([12, 9, 6, 3].map((epoch) => epoch * stepsPerEpoch));
    const { epochs } = await nextvec.client.runs.get({ runId });
    expect(read.map(({ valCosine }) => valCosine)).toEqual([12, 9, 6, 3].map((epoch) => epochs[epoch - 1].valCosine));
    expect(await weightsOf(runId, 'last')).toBe(uninterrupted.last);
    expect(await weightsOf(runId, 'best')).toBe(uninterrupted.best);
    const plain = (await nextvec.client.runs.get({ runId: uninterrupted.runId })).run.storedBytes;
    const stored = (await nextvec.client.runs.get({ runId })).run.storedBytes;
    expect(stored).toBeGreaterThan(plain + 4 * (await readFile(join(folder, kept[0], 'model.safetensors'))).length);
    for (const name of await listCheckpointFolders(folder, ['last'])) await rm(join(folder, name), { recursive: true });
    expect((await findResumable(folder, { runId, weightHashes: {} }))?.checkpoint.state).toEqual(read[0].state);
  });

  test('a copied and a moved storage folder both resume', async () => {
    const runId = await start();
    await follow(nextvec.client, runId, (event) => event.type === 'steps' && event.firstStep > 20);
    const datasets = await nextvec.client.datasets.list();
    await nextvec.close();
    const from = join(home.path, 'home');
    const backup = join(home.path, 'backup');
    const moved = join(home.path, 'elsewhere', 'moved');
    await cp(from, backup, { recursive: true });
    await mkdir(join(home.path, 'elsewhere'));
    await rename(from, moved);
    for (const folder of [backup, moved]) {
      const there = await open({ home: folder });
      expect(await there.client.datasets.list()).toEqual(datasets);
      expect((await there.client.runs.get({ runId })).run.status).toBe('interrupted');
      await there.client.runs.resume({ runId });
      await followTo(there.client, runId, 'finished');
      const series = await there.client.runs.series({ runId, columns: ['total'], maxPoints: 20_000 });
      expect(Array.from(series.mean.total)).toEqual(uninterrupted.losses);
      await there.close();
    }
    await rename(moved, from);
    nextvec = await open();
    expect(await weightsOf(runId, 'last')).toBe(uninterrupted.last);
  });

  test('deleting it removes its files and frees the reported bytes', async () => {
    // Of the published size: its checkpoints outweigh its history.
    const runId = await start({ sizes: null, epochs: 1 });
    await followTo(nextvec.client, runId, 'finished');
    const folder = join(home.path, 'home', 'runs', runId);
    const before = await folderBytes(join(home.path, 'home'));
    const files = await folderBytes(folder);
    const { storedBytes } = (await nextvec.client.runs.get({ runId })).run;
    const { freedBytes } = await nextvec.client.runs.delete({ runId });
    expect(freedBytes).toBeGreaterThanOrEqual(files);
    expect(storedBytes).toBeGreaterThan(0.7 * freedBytes);
    expect(storedBytes).toBeLessThan(1.3 * freedBytes);
    // The write-ahead log may have shrunk too.
    expect(before - (await folderBytes(join(home.path, 'home')))).toBeGreaterThanOrEqual(freedBytes);
    expect(await readdir(join(home.path, 'home', 'runs'))).not.toContain(runId);
    await expect(nextvec.client.runs.get({ runId })).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } });
  });
});
