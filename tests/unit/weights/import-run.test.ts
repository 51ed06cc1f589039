/** PyTorch checkpoints imported as runs and used as warm starts, through the services. */
import { existsSync } from 'node:fs';
import { copyFile, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ORPCError } from '@orpc/client';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Parity } from '#shared/domain/evaluation/evaluation.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { decodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { readWeightsFile } from '../../support/weights.ts';
import { follow, followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { largestOnnxError } from '../../support/onnx.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
let imported: string;

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  const chunks = { articles: 16, chunksPerArticle: 12, D: 24 };
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), chunks);
  const path = 'tests/fixtures/pt/amn.pt';
  imported = (await nextvec.client.runs.importRun({ path, dataset, tags: ['baseline'] })).runId;
});
afterAll(() => home.dispose());

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof ORPCError ? { ...(error.data as object), message: error.message } : error;
}

async function parityOf(runId: string): Promise<Parity> {
  for await (const event of await nextvec.client.evaluation.evaluate({ runId, datasetId: dataset })) {
    if (event.type === 'done') return event.evaluation.parity;
  }
  throw new Error('the evaluation ended without a result');
}

/** The same file imported without data, once for all tests. */
let withoutData: Promise<{ readonly runId: string }> | null = null;
async function unmeasured(): Promise<string> {
  withoutData ??= nextvec.client.runs.importRun({ path: 'tests/fixtures/pt/amn.pt' });
  return (await withoutData).runId;
}

describe('a baseline run', () => {
  it('is listed as imported, with history and arguments of its file', async () => {
    const { run, epochs, log } = await nextvec.client.runs.get({ runId: imported });
    expect(run).toMatchObject({ status: 'finished', name: 'amn.pt', tags: ['baseline'], epoch: 3 });
    expect(run.recipe).toMatchObject({
      modelType: 'amn',
      lr: 2.5e-4,
      batchSize: 64,
      sizes: { dModel: 8, hiddenDim: 16 },
    });
    expect(run.recipe.lambda).toMatchObject({ mse: 0.5, info_nce: 0.25 });
    expect(run.sparkline).toEqual([0.4211, 0.4607, 0.4601]);
    expect(epochs.map(({ isBest }) => isBest)).toEqual([true, true, false]);
    expect(epochs[2]).toMatchObject({ lr: 1.25e-4, rowsPerSecond: null, oodCosine: null, trainCosine: 0.5 });
    expect(run.imported).toMatchObject({ file: 'amn.pt', format: 'pt', stated: { epoch: 2, valCosine: 0.4607 } });
    expect(run.imported!.golden!.maxRelative).toBeLessThan(1e-5);
    expect(log.map(({ message }) => message).join(' ')).toMatch(
      /reproduced on cpu.*trained on is not known.*states a validation cosine of 0\.4607/,
    );
  });

  it('shows figures measured here with baselines, not the stated ones', async () => {
    const { run } = await nextvec.client.runs.get({ runId: imported });
    expect(run.best!.valCosine).toBe(run.imported!.measured!.valCosine);
    expect(run.best!.valCosine).not.toBeCloseTo(0.4607, 2);
    expect(run.baselines.contextMean!.valCosine).toBeGreaterThan(0);
    expect(run.valLift).toBeCloseTo(run.best!.valCosine - run.baselines.contextMean!.valCosine!, 6);
  });

  it('is measured on the named OOD set', async () => {
    const { client } = nextvec;
    const ood = await importChunks(client, join(home.path, 'ood.npz'), {
      articles: 8,
      chunksPerArticle: 10,
      D: 24,
      seed: 5,
    });
    const { runId } = await client.runs.importRun({ path: 'tests/fixtures/pt/amn.pt', dataset, ood });
    const { run } = await client.runs.get({ runId });
    const { windows } = await client.datasets.get({ id: ood });
    expect(run.oodRows).toBe(windows);
    expect(run.best!.oodCosine).toBe(run.imported!.measured!.oodCosine);
    expect(run.oodLift).toBeCloseTo(run.best!.oodCosine! - run.baselines.contextMean!.oodCosine!, 6);
  });

  it('is evaluated and exported like any other run', async () => {
    const parity = await parityOf(imported);
    expect(parity.ok).toBe(true);
    expect(parity.valCosineDelta).toBeCloseTo(0, 5);
    const onnx = await nextvec.client.runs.export({ runId: imported, format: 'onnx' });
    const golden = await nextvec.client.runs.export({ runId: imported, format: 'golden' });
    expect(await largestOnnxError(await readFile(onnx.path!), await readFile(golden.path!))).toBeLessThan(1e-5);
  });

  it('without data, nothing is measured or invented', async () => {
    const { runId, notes } = await nextvec.client.runs.importRun({ path: 'tests/fixtures/pt/transformer-half.pt' });
    const { run, epochs } = await nextvec.client.runs.get({ runId });
    expect(run).toMatchObject({ best: null, valLift: null, valRows: null, datasetName: 'not known', baselines: {} });
    expect(run.imported).toMatchObject({ measured: null, stated: { valCosine: 0.3 } });
    expect(epochs.map(({ valCosine }) => valCosine)).toEqual([0.2, 0.3]);
    expect(notes).toEqual([]);
    expect(await parityOf(runId)).toMatchObject({ ok: true, valCosineDelta: null });
  });

  it('keeps stated cosine and losses apart from measured ones', async () => {
    const { client } = nextvec;
    const runId = await unmeasured();
    const { run, epochs, epochsStatedBy } = await client.runs.get({ runId });
    // Each epoch states a validation loss and cosine; a past fault counted those as measured.
    expect(epochs[1]).toMatchObject({ valLoss: 0.0014, valCosine: 0.4607 });
    expect([run.best, run.valLift, run.oodLift]).toEqual([null, null, null]);
    expect([epochsStatedBy, run.imported!.stated.valCosine]).toEqual(['amn.pt', 0.4607]);
    const compared = await client.evaluation.compareRuns({ runIds: [imported, runId] });
    const row = (metric: string) => compared.metrics.find((m) => m.metric === metric)!;
    expect(row('valCosine').values).toEqual([expect.any(Number), null]);
    expect(row('valLoss').values[1]).toBeNull();
    for (const metric of ['epochs', 'durationMs']) expect(row(metric).values).toEqual([null, null]);
    const csv = await client.runs.export({ runId, format: 'csv' });
    expect(
      csv
        .text!.trim()
        .split('\n')
        .map((line) => line.split(',').at(-1)),
    ).toEqual(['statedBy', ...Array.from({ length: 3 }, () => 'amn.pt')]);
    const card = await client.evaluation.modelCard({ runId, format: 'md' });
    expect(card.text).not.toContain('0.4607');
    expect(await parityOf(runId)).toMatchObject({ ok: true, valCosineDelta: null });
  });

  it('shows no stated figure of an older storage folder as measured', async () => {
    const runId = await unmeasured();
    const db = new Database(join(home.path, 'home', 'nextvec.db'));
    const stated = { epoch: 2, step: 0, valLoss: 0.0014, valCosine: 0.4607, oodCosine: 0.41 };
    const write = (id: string) =>
      db.prepare('UPDATE runs SET best_json = ? WHERE id = ?').run(JSON.stringify(stated), id);
    write(runId);
    expect((await nextvec.client.runs.get({ runId })).run.best).toBeNull();
    db.prepare("UPDATE runs SET imported_json = json_remove(imported_json, '$.measured.oodCosine') WHERE id = ?").run(
      imported,
    );
    const before = (await nextvec.client.runs.get({ runId: imported })).run.best!;
    db.prepare("UPDATE runs SET best_json = json_set(best_json, '$.oodCosine', 0.41) WHERE id = ?").run(imported);
    expect((await nextvec.client.runs.get({ runId: imported })).run.best).toEqual(before);
    db.close();
  });

  it('is refused with executable pickle code and leaves no files', async () => {
    const before = (await nextvec.client.runs.list()).length;
    const folders = (await readdir(join(home.path, 'home', 'runs'))).length;
    expect(await errorOf(nextvec.client.runs.importRun({ path: 'tests/fixtures/pt/evil.pt' }))).toMatchObject({
      code: 'PICKLE_REFUSED',
      place: expect.stringContaining('evil.pt') as string,
      remedy: expect.stringContaining('Nothing was executed') as string,
    });
    expect(existsSync('/tmp/nextvec-was-executed')).toBe(false);
    expect(await nextvec.client.runs.list()).toHaveLength(before);
    expect(await readdir(join(home.path, 'home', 'runs'))).toHaveLength(folders);
  });

  it('refuses data of another width', async () => {
    const other = await importChunks(nextvec.client, join(home.path, 'wide.npz'), {
      articles: 6,
      chunksPerArticle: 10,
      D: 32,
    });
    const refused = nextvec.client.runs.importRun({ path: 'tests/fixtures/pt/amn.pt', dataset: other });
    expect(await errorOf(refused)).toMatchObject({ code: 'WIDTH_MISMATCH' });
  });
});

describe('a warm start', () => {
  /** A learning rate so small that the weights stay at their start. */
  const still: Omit<RecipeInput, 'dataset'> = { epochs: 1, lr: 1e-12, batchSize: 64, threads: 1 };

  async function bestWeights(recipe: Omit<RecipeInput, 'dataset'>) {
    const { runId } = await nextvec.client.runs.start({ recipe: { dataset, ...recipe } });
    await followTo(nextvec.client, runId, 'finished');
    const { path } = await nextvec.client.runs.export({ runId, format: 'safetensors' });
    return decodeSafetensors(await readFile(path!), path!).tensors;
  }

  it.each(['simd', 'wasm'] as const)('from a run, on %s', async (engine) => {
    const expected = (await readWeightsFile('tests/fixtures/pt/amn.pt')).tensors;
    const weights = await bestWeights({ ...still, engine, initFrom: imported });
    for (const [name, { data }] of expected) {
      const got = weights.get(name)!.data;
      expect(Math.max(...got.map((x, i) => Math.abs(x - data[i])))).toBeLessThan(1e-6);
    }
  });

  it('from a file', async () => {
    const path = join(home.path, 'gru.pt');
    await copyFile('tests/fixtures/pt/gru-bfloat16.pt', path);
    const expected = (await readWeightsFile(path)).tensors;
    const sizes = { dModel: 16, numLayers: 2 };
    const weights = await bestWeights({ ...still, engine: 'wasm', modelType: 'gru', sizes, initFrom: path });
    const name = 'blocks.1.gru.weight_hh_l0';
    expect(Math.abs(weights.get(name)!.data[7] - expected.get(name)!.data[7])).toBeLessThan(1e-6);
  });

  it('from a file of another model fails, naming both', async () => {
    const recipe = { dataset, ...still, engine: 'cpu' as const, initFrom: 'tests/fixtures/pt/amn.pt' };
    const { runId } = await nextvec.client.runs.start({ recipe });
    await follow(nextvec.client, runId, (event) => event.type === 'run' && event.run.status === 'failed');
    expect((await nextvec.client.runs.get({ runId })).run.reason).toMatch(
      /holds .*dModel:8.*asks for .*dModel:256.*sizes/,
    );
  });

  it('from a missing file is refused before a run is created', async () => {
    const refused = nextvec.client.runs.start({ recipe: { dataset, initFrom: 'no-such-run' } });
    expect(await errorOf(refused)).toMatchObject({ code: 'NOT_FOUND', place: 'initFrom' });
  });
});
