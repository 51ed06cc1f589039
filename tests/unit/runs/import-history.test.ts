/** Histories of other programs imported as runs without weights, through the services. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { testHome, type TestHome } from '../../support/nextvec.ts';

vi.setConfig({ testTimeout: 180_000 });

const FIXTURES = 'tests/fixtures/histories';

let home: TestHome;
let nextvec: Nextvec;
let runId: string;

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  const path = join(home.path, 'training_history.json');
  await writeFile(path, JSON.stringify(HISTORY).replace('0.125', 'NaN'));
  runId = (await nextvec.client.runs.importRun({ path, tags: ['theirs'] })).runId;
});
afterAll(() => home.dispose());

/** As the published trainer writes it, with a NaN as Python does. */
const HISTORY = {
  train_loss: [0.5, 0.25, 0.125],
  val_loss: [0.003, 0.001, 0.002],
  val_cosine_similarity: [0.25, 0.5, 0.375],
  perplexity: [3, 2, 1],
  best_epoch: 2,
  config: { model_type: 'gru', lr: 2.5e-4, batch_size: 64 },
};

describe('training_history.json', () => {
  it('is a finished run with its curves, arguments and best epoch, and nothing measured', async () => {
    const { run, epochs, epochsStatedBy, log } = await nextvec.client.runs.get({ runId });
    expect(run).toMatchObject({
      status: 'finished',
      name: 'training_history.json',
      tags: ['theirs'],
      epochsDone: 3,
      sparkline: [0.25, 0.5, 0.375],
      parameters: null,
      best: null,
      valLift: null,
      imported: { format: 'json', golden: null, measured: null, stated: { epoch: 2, valCosine: 0.5 } },
    });
    expect(run.recipe).toMatchObject({ modelType: 'gru', lr: 2.5e-4, batchSize: 64, epochs: 3 });
    expect(epochs.map(({ trainLoss, isBest }) => [trainLoss, isBest])).toEqual([
      [0.5, true],
      [0.25, true],
      [null, false],
    ]);
    expect(epochsStatedBy).toBe('training_history.json');
    expect(log.find(({ level }) => level === 'warning')?.message).toBe(
      'Left out, since they have no place here: perplexity.',
    );
  });

  it('refuses what needs weights, and says what to import', async () => {
    const { client } = nextvec;
    const evaluate = async () => {
      for await (const event of await client.evaluation.evaluate({ runId, datasetId: 'none' })) void event;
    };
    const source = { kind: 'file', path: 'contexts.npz', rows: null } as const;
    const attempts = [
      evaluate,
      () => client.inference.predict({ runId, source }),
      () => client.runs.export({ runId, format: 'safetensors' }),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        message: 'Run 1 has no weights: only curves were imported from training_history.json.',
        data: { code: 'NOT_FOUND', remedy: 'Import the checkpoint of that run as well, and use it.' },
      });
    }
    await expect(client.runs.resume({ runId })).rejects.toMatchObject({
      data: { code: 'CONFLICT' },
      message: expect.stringContaining('Run 1 was imported') as string,
    });
  });
});

describe('TensorBoard', () => {
  it('a log that is imported, exported and imported again has the same curves', async () => {
    const { client } = nextvec;
    const detail = async (path: string) => {
      const made = await client.runs.importRun({ path });
      const { run, epochs } = await client.runs.get(made);
      const query = { ...made, columns: ['total' as const, 'lr' as const] };
      return { made, step: run.step, epochs, series: (await client.runs.series(query)).mean };
    };
    const first = await detail(`${FIXTURES}/torch`);
    const { path } = await client.runs.export({ ...first.made, format: 'tensorboard' });
    const second = await detail(path!);
    expect(first.step).toBe(100);
    expect(first.series.total.filter((value) => !Number.isNaN(value))).toHaveLength(20);
    expect(second.series).toEqual(first.series);
    const figures = (epochs: typeof first.epochs) =>
      epochs.map(({ trainLoss, lr, ...rest }) => ({
        ...rest,
        trainLoss: Math.fround(trainLoss!),
        lr: Math.fround(lr!),
      }));
    expect(figures(second.epochs)).toEqual(figures(first.epochs));
  });
});

it('an offline run of W&B has its own name', async () => {
  const made = await nextvec.client.runs.importRun({ path: `${FIXTURES}/run-night.wandb` });
  const { run } = await nextvec.client.runs.get(made);
  expect(run).toMatchObject({ name: 'lstm-night', step: 100, totalSteps: 100, recipe: { modelType: 'lstm' } });
});
