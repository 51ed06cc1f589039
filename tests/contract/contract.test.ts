/** The contract over every transport: values, typed arrays, errors with code and remedy, streams and their cancelling. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ORPCError } from '@orpc/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ErrorData } from '#shared/contract/errors.ts';
import type { RunChange } from '#shared/contract/runs.ts';
import { parseRecipeFile } from '#shared/domain/recipe/recipe-file.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { STEP_COLUMNS } from '#shared/domain/runs/training.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { decodeSafetensors } from '../../src/main/formats/safetensors.ts';
import { WorkerPool } from '../../src/main/processes/worker-pool.ts';
import { writeChunks } from '../support/chunks.ts';
import { followTo, importChunks, testHome, type TestHome } from '../support/nextvec.ts';
import { readNpz } from '../support/npz.ts';
import { largestOnnxError } from '../support/onnx.ts';
import { TRANSPORTS, type Connection } from './transports.ts';

// Starting processes is slow on a loaded machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let runId: string;
const chosen: (string | null)[] = [];

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open({
    roots: [home.path, resolve('tests/fixtures/zoo')],
    native: { chooseFile: async () => chosen.shift() ?? null },
  });
  const { client } = nextvec;
  const chunks = { articles: 24, chunksPerArticle: 10, D: 16 };
  dataset = await importChunks(client, join(home.path, 'walks.npz'), chunks);
  const recipe = {
    dataset,
    epochs: 3,
    batchSize: 16,
    engine: 'simd',
    threads: 1,
    sizes: { dModel: 8, hiddenDim: 16 },
  } as const;
  ({ runId } = await client.runs.start({ recipe, name: 'first', tags: ['a'] }));
  await followTo(client, runId, 'finished');
});
afterAll(() => home.dispose());

async function dataOf(work: Promise<unknown>): Promise<ErrorData & { message: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ORPCError);
  const { code, data, message } = error as ORPCError<string, ErrorData>;
  expect(code).toBe('NEXTVEC');
  return { ...data, message };
}

/** First event of a stream; `trigger` is repeated until it arrives. */
async function first<T>(stream: AsyncIterator<T>, trigger: () => Promise<unknown>): Promise<T> {
  const next = stream.next();
  const timer = setInterval(() => void trigger(), 50);
  try {
    return (await next).value as T;
  } finally {
    clearInterval(timer);
  }
}

describe.each(TRANSPORTS)('%s', (_, connect) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await connect(nextvec);
  });
  afterAll(() => connection.close());

  test('returns plain values: info, settings, doctor', async () => {
    const { client } = connection;
    expect(await client.app.info()).toMatchObject({ host: 'node', home: nextvec.home, nativeDialogs: true });
    expect(await client.app.settings.set({ theme: 'dark' })).toMatchObject({ theme: 'dark', engine: 'auto' });
    expect((await client.app.settings.get()).theme).toBe('dark');
    const doctor = await client.app.doctor();
    expect(doctor.storage).toMatchObject({ writable: true, datasets: 1 });
    expect(doctor.engines.find(({ name }) => name === 'cpu')?.available).toBe(true);
    expect((await client.app.doctor({ afresh: true })).engines).toEqual(doctor.engines);
  });

  test('typed arrays arrive as typed arrays', async () => {
    const { client } = connection;
    const columns = [...STEP_COLUMNS];
    const series = await client.runs.series({ runId, columns, maxPoints: 20_000 });
    const { totalSteps } = (await client.runs.get({ runId })).run;
    expect(series.step).toBeInstanceOf(Float64Array);
    expect(series.step).toHaveLength(totalSteps!);
    expect(series.mean.total).toBeInstanceOf(Float32Array);
    expect(Array.from(series.mean.lr)).toEqual(Array.from(series.step, () => Math.fround(5e-4)));
    const { article, coherence } = await client.datasets.articles({ id: dataset });
    expect(article).toEqual(Float64Array.from({ length: 24 }, (__, i) => i));
    expect(coherence.every((x) => x > 0 && x < 1)).toBe(true);
  });

  test('errors carry code, place and remedy', async () => {
    const { client } = connection;
    const missing = await dataOf(client.runs.get({ runId: 'nothing' }));
    expect(missing).toMatchObject({ code: 'NOT_FOUND', place: 'nothing' });
    expect(missing.remedy).toBeTruthy();
    expect(missing.message).toContain('nothing');
    const conflict = await dataOf(client.runs.pause({ runId }));
    expect(conflict).toMatchObject({ code: 'CONFLICT', place: runId });
    const refused = await dataOf(client.app.files.list({ path: '/' }));
    expect(refused).toMatchObject({ code: 'NO_PERMISSION', place: '/' });
  });

  test('an unknown id of any length gives a short message', async () => {
    const { client } = connection;
    const id = 'x'.repeat(70_000);
    const items = [{ key: 'a', kind: 'train' as const }];
    for (const call of [
      client.runs.get({ runId: id }),
      client.datasets.get({ id }),
      client.plans.create({ name: 'p', dataset: id, items }),
    ]) {
      const { code, message } = await dataOf(call);
      expect(code).toBe('NOT_FOUND');
      expect(message.length).toBeLessThan(300);
    }
  });

  test('invalid input is refused with its field', async () => {
    const { client } = connection;
    const bad = { ...RecipeSchema.parse({ dataset }), epochs: -3, lr: 'fast' as unknown as number };
    const error = await dataOf(client.runs.start({ recipe: bad }));
    expect(error.code).toBe('BAD_RECIPE');
    expect(error.place).toBe('epochs');
    expect(error.message).toContain('lr: ');
    const zero = { dataset, lambda: { mse: 0 } };
    expect((await dataOf(client.runs.start({ recipe: zero }))).message).toContain('λ');
    expect(await dataOf(client.runs.start({ recipe: { dataset: 'gone' } }))).toMatchObject({ code: 'NOT_FOUND' });
    const one = { dataset, batchSize: 1, lambda: { mse: 1, moment: 1 } };
    expect(await dataOf(client.runs.start({ recipe: one }))).toMatchObject({ code: 'BAD_RECIPE', place: 'batchSize' });
    expect(await client.runs.list()).toHaveLength(1);
  });

  test('streams changes until the reader returns', async () => {
    const { client } = connection;
    const controller = new AbortController();
    const changes = await client.runs.changes(undefined, { signal: controller.signal });
    const annotate = () => client.runs.annotate({ runId, notes: 'seen', tags: ['b', 'c'] });
    const change: RunChange = await first(changes, annotate);
    expect(change).toMatchObject({ type: 'changed', run: { id: runId, notes: 'seen', tags: ['b', 'c'] } });
    await changes.return?.();
    const commands = await client.app.commands();
    const command = await first(commands, async () => nextvec.sendCommand('import', '/a.npz'));
    expect(command).toMatchObject({ command: 'import', path: '/a.npz' });
    await commands.return?.();
  });

  test('aborting ends a stream that waits for its next event', async () => {
    const { client } = connection;
    const controller = new AbortController();
    const watching = await client.runs.watch({ runId }, { signal: controller.signal });
    const opening = await watching.next();
    expect(opening.value).toMatchObject({ type: 'run', run: { id: runId, status: 'finished' } });
    const waiting = watching.next();
    // A round trip later, the stream is waiting for its next event.
    await client.app.info();
    controller.abort();
    const ending = await waiting.then(
      ({ done }) => (done ? 'done' : 'another event'),
      (error: Error) => error.name,
    );
    expect(ending).toMatch(/^done$|Abort/);
  });

  test('watching a run gives its steps, epochs and end in order', async () => {
    const { client } = connection;
    const { runId: id } = await client.runs.start({
      recipe: { dataset, epochs: 2, batchSize: 16, engine: 'simd', threads: 1, sizes: { dModel: 8, hiddenDim: 16 } },
    });
    let nextStep = 1;
    let isTyped = true;
    const blocks: { continues: boolean; whole: boolean }[] = [];
    const epochs: number[] = [];
    for await (const event of await client.runs.watch({ runId: id })) {
      if (event.type === 'steps') {
        const { total } = event.columns;
        blocks.push({ continues: event.firstStep === nextStep, whole: total.length === event.count });
        isTyped &&= total instanceof Float32Array;
        nextStep += event.count;
      } else if (event.type === 'epoch') epochs.push(event.epoch);
      else if (event.type === 'run' && event.run.status === 'finished') break;
    }
    expect(epochs).toEqual([1, 2]);
    expect(isTyped).toBe(true);
    expect(blocks.filter(({ continues, whole }) => !continues || !whole)).toEqual([]);
    const { run } = await client.runs.get({ runId: id });
    expect(nextStep - 1).toBe(run.totalSteps);
    await client.runs.delete({ runId: id });
  });

  test('an aborted import leaves no files', async () => {
    const { client } = connection;
    const path = join(home.path, 'large.npz');
    if (!existsSync(path)) await writeChunks(path, { articles: 300, chunksPerArticle: 100, D: 64, isPlain: true });
    const controller = new AbortController();
    const events: string[] = [];
    const work = async (): Promise<void> => {
      for await (const event of await client.datasets.import({ path }, { signal: controller.signal })) {
        events.push(event.type);
        controller.abort();
      }
    };
    const ending = await work().then(
      () => 'abort: the stream ended',
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(ending).toMatch(/abort/i);
    expect(events).not.toContain('done');
    const datasets = join(nextvec.home, 'datasets');
    await expect.poll(() => readdir(datasets)).toEqual([dataset]);
    expect(await client.datasets.list()).toHaveLength(1);
  });

  test('a file without data is refused and leaves no files', async () => {
    const { client } = connection;
    const consume = async (): Promise<void> => {
      for await (const event of await client.datasets.import({ path: 'tests/fixtures/zoo/not_a_zip.npz' })) {
        expect(event.type).toBe('progress');
      }
    };
    const error = await dataOf(consume());
    expect(error.code).toBe('NOT_AN_ARCHIVE');
    expect(error.message).toContain('not_a_zip.npz');
    expect(await readdir(join(nextvec.home, 'datasets'))).toEqual([dataset]);
  });
});

describe('data sets and runs', () => {
  test('importing the same file twice stores it once', async () => {
    const { client } = nextvec;
    const done: boolean[] = [];
    for await (const event of await client.datasets.import({ path: join(home.path, 'walks.npz') })) {
      if (event.type === 'done') done.push(event.alreadyThere);
    }
    expect(done).toEqual([true]);
    expect(await readdir(join(nextvec.home, 'datasets'))).toEqual([dataset]);
  });

  test('an aborted preview is CANCELLED, prints no error and leaves no files', async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    const lease = vi.spyOn(WorkerPool.prototype, 'lease');
    const printed = vi.spyOn(console, 'error');
    const controller = new AbortController();
    const path = join(home.path, 'walks.npz');
    const preview = dataOf(nextvec.client.datasets.preview({ path }, { signal: controller.signal }));
    // The worker is starting by then, and has not read the file.
    await expect.poll(() => lease, { interval: 1 }).toHaveResolved();
    controller.abort();
    expect((await preview).code).toBe('CANCELLED');
    expect(printed).not.toHaveBeenCalled();
    expect(await readdir(join(nextvec.home, 'datasets'))).toEqual([dataset]);
  });

  test('stores one copy even if the reader leaves at "done"', async () => {
    for await (const event of await nextvec.client.datasets.import({ path: join(home.path, 'walks.npz') })) {
      if (event.type === 'done') break;
    }
    expect(await readdir(join(nextvec.home, 'datasets'))).toEqual([dataset]);
  });

  test('a data set in use is deleted only with force', async () => {
    const { client } = nextvec;
    expect(await dataOf(client.datasets.delete({ id: dataset }))).toMatchObject({ code: 'CONFLICT' });
    const copy = await importChunks(client, join(home.path, 'other.npz'), {
      articles: 6,
      chunksPerArticle: 10,
      D: 16,
      seed: 2,
    });
    const before = (await client.datasets.get({ id: copy })).storedBytes;
    const { freedBytes } = await client.datasets.delete({ id: copy });
    expect(freedBytes).toBeGreaterThanOrEqual(before);
    expect(await dataOf(client.datasets.get({ id: copy }))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('preflight counts rows, checks the split and warns', async () => {
    const recipe = {
      dataset,
      batchSize: 32,
      engine: 'simd',
      lambda: { mse: 0.5, info_nce: 0.5, variance: 1, moment: 1 },
    } as const;
    const found = await nextvec.client.runs.preflight({ recipe });
    expect(found.splitProof).toMatchObject({ ok: true, sharedVectors: 0, sharedArticles: 0 });
    expect(found.trainRows + found.valRows).toBe(24 * 5);
    expect(found.stepsPerEpoch).toBe(Math.ceil(found.trainRows / 32));
    expect(found.infoNceChance).toBeCloseTo(6.93, 2);
    expect(found.expectedMs!.low).toBeLessThan(found.expectedMs!.high);
    expect(found.expectedFrom).toContain('#1');
    expect(found.lint.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['lambda.info_nce', 'varianceTarget', 'batchSize', 'ood']),
    );
    expect(found.commandLine).toContain('--lambda-info 0.5');
    const random = await nextvec.client.runs.preflight({ recipe: { dataset, split: { kind: 'random' } } });
    expect(random.lint.find(({ path }) => path === 'split.kind')?.message).toContain('vectors on both sides');
  });

  test('exports weights, command line and epochs', async () => {
    const { client } = nextvec;
    const weights = await client.runs.export({ runId, format: 'safetensors' });
    const { tensors, metadata } = decodeSafetensors(await readFile(weights.path!), weights.path!);
    expect(metadata).toEqual({ format: 'pt', model: 'amn' });
    expect(tensors.get('context_encoder.weight')?.shape).toEqual([8, 16]);
    const npz = await readNpz((await client.runs.export({ runId, format: 'npz' })).path!);
    expect([...npz.keys()]).toEqual([...tensors.keys()]);
    for (const [name, { shape, data }] of tensors) expect(npz.get(name)).toEqual({ shape, data });
    const golden = await readFile((await client.runs.export({ runId, format: 'golden' })).path!);
    const onnx = await readFile((await client.runs.export({ runId, format: 'onnx' })).path!);
    expect(await largestOnnxError(onnx, golden)).toBeLessThan(1e-5);
    for (const said of [runId, createHash('sha256').update(golden).digest('hex'), '"epochs":3']) {
      expect(onnx.includes(said)).toBe(true);
    }
    const tfjs = await client.runs.export({ runId, format: 'tfjs' });
    expect(JSON.parse(await readFile(join(tfjs.path!, 'model.json'), 'utf8'))).toMatchObject({
      format: 'graph-model',
      userDefinedMetadata: { 'nextvec.run': runId },
    });
    const series = await readFile((await client.runs.export({ runId, format: 'series' })).path!, 'utf8');
    const { step } = (await client.runs.get({ runId })).run;
    expect(series.trim().split('\n')).toHaveLength(1 + step);
    const tensorboard = (await client.runs.export({ runId, format: 'tensorboard' })).path!;
    const [events] = await readdir(tensorboard);
    expect(events).toMatch(/^events\.out\.tfevents\.\d+\.nextvec$/);
    const eventFile = await readFile(join(tensorboard, events), 'latin1');
    expect(eventFile.split('step/total')).toHaveLength(1 + step);
    expect(eventFile.split('epoch/valCosine')).toHaveLength(1 + 3);
    const recipe = await client.runs.export({ runId, format: 'recipe' });
    expect(parseRecipeFile(JSON.parse(recipe.text!), recipe.fileName)).toMatchObject({
      recipe: (await client.runs.get({ runId })).run.recipe,
      data: { sha256: (await client.datasets.get({ id: dataset })).passport.sha256 },
    });
    const command = await client.runs.export({ runId: '#1', format: 'command' });
    expect(command.text).toMatch(/^nextvec train --data \S+walks\.npz .*--epochs 3/);
    const csv = (await client.runs.export({ runId, format: 'csv' })).text!.trim().split('\n');
    expect(csv).toHaveLength(4);
    expect(csv[0].split(',')).toHaveLength(csv[3].split(',').length);
    const parsed = await client.runs.parseCommandLine({
      text: command.text!,
      base: RecipeSchema.parse({ dataset, lr: 0.5 }),
    });
    expect(parsed.recipe).toMatchObject({ epochs: 3, batchSize: 16, engine: 'simd', lr: 0.5 });
    const bad = client.runs.parseCommandLine({ text: 'train --epochs many', base: RecipeSchema.parse({ dataset }) });
    expect(await dataOf(bad)).toMatchObject({ code: 'BAD_RECIPE', place: 'epochs' });
  });

  test('lists data files of the given folders only', async () => {
    const { client } = nextvec;
    await mkdir(join(home.path, 'sub'), { recursive: true });
    await copyFile('tests/fixtures/zoo/plain.npz', join(home.path, 'sub', 'plain.npz'));
    await copyFile('package.json', join(home.path, 'sub', 'package.json'));
    expect((await client.app.files.list({ path: null })).entries.map(({ path }) => path)).toContain(home.path);
    const listed = await client.app.files.list({ path: join(home.path, 'sub') });
    expect(listed.parent).toBe(home.path);
    expect(listed.entries.map(({ name, kind }) => `${kind} ${name}`)).toEqual(['file plain.npz']);
    const escape = client.app.files.list({ path: join(home.path, 'sub', '..', '..') });
    expect(await dataOf(escape)).toMatchObject({ code: 'NO_PERMISSION' });
    chosen.push('/a/b.npz', null);
    expect(await client.app.files.choose({ purpose: 'dataset' })).toEqual({ path: '/a/b.npz' });
    expect(await client.app.files.choose({ purpose: 'dataset' })).toEqual({ path: null });
  });

  test('a reader beside the owner reads everything and cannot write', async () => {
    const reader = await home.open({ access: 'reader' });
    expect((await reader.client.runs.get({ runId })).epochs).toHaveLength(3);
    expect((await reader.client.runs.export({ runId, format: 'csv' })).text).toContain('epoch');
    expect(await dataOf(reader.client.runs.start({ recipe: { dataset } }))).toMatchObject({ code: 'LOCKED' });
    expect(await dataOf(reader.client.app.settings.set({ theme: 'light' }))).toMatchObject({ code: 'LOCKED' });
    await reader.close();
    await expect(home.open()).rejects.toMatchObject({ code: 'LOCKED' });
  });
});
