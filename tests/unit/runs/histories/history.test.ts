/** Histories of other programs as epochs and steps: shapes of JSON, and logs written by TensorBoard and W&B. */
import { describe, expect, test } from 'vitest';
import { readEventLogs } from '../../../../src/main/runs/histories/event-logs.ts';
import { historyOf } from '../../../../src/main/runs/histories/history.ts';
import { loggedOf } from '../../../../src/main/runs/histories/json-history.ts';
import { readWandbLog } from '../../../../src/main/runs/histories/wandb-log.ts';
import type { Plain } from '../../../../src/main/formats/pickle/plain.ts';

const FIXTURES = 'tests/fixtures/histories';
const json = (value: Plain) => historyOf(loggedOf(value, 'training_history.json'));
const lossAt = (step: number) => 1 / (1 + step / 10);

describe('JSON', () => {
  test('a dict of lists: one value an epoch, all curves of the published trainer', () => {
    const { epochs, steps, warnings } = json({
      train_loss: [0.5, 0.25],
      val_loss: [0.002, 0.001],
      train_cosine_similarity: [0.3, 0.5],
      val_cosine_similarity: [0.25, 0.5],
      ood_cosine: [null, 0.125],
      learning_rates: [1e-3, 5e-4],
      grad_norms: [2, 1],
      epoch_times: [1.5, 2],
      best_epoch: 2,
      config: { hidden_dims: [16, 8] },
    });
    expect(epochs).toMatchObject([
      { epoch: 1, step: 0, trainLoss: 0.5, trainCosine: 0.3, oodCosine: null, gradNorm: 2, durationMs: 1500 },
      { epoch: 2, valLoss: 0.001, valCosine: 0.5, oodCosine: 0.125, lr: 5e-4, durationMs: 2000, isBest: true },
    ]);
    expect([steps, warnings]).toEqual([null, []]);
  });

  test.each([
    ['lists below `history`', { history: { train_loss: [1, 2], val_loss: [3, 4] } }],
    ['nested lists', { train: { loss: [1, 2] }, validation: { loss: [3, 4] } }],
    [
      'a list of dicts',
      [
        { train_loss: 1, val: { loss: 3 } },
        { train_loss: 2, val: { loss: 4 } },
      ],
    ],
    [
      'dicts below `log_history`',
      {
        log_history: [
          { loss: 1, eval_loss: 3 },
          { loss: 2, eval_loss: 4 },
        ],
      },
    ],
    ['dicts, and a list beside them', { history: [{ train_loss: 1 }, { train_loss: 2 }], val_losses: [3, 4] }],
    [
      'epochs counted from 0',
      [
        { epoch: 0, loss: 1, val_loss: 3 },
        { epoch: 1, loss: 2, val_loss: 4 },
      ],
    ],
    [
      'training and validation apart',
      [
        { epoch: 1, loss: 1 },
        { epoch: 1, val_loss: 3 },
        { epoch: 2, loss: 2 },
        { epoch: 2, val_loss: 4 },
      ],
    ],
  ] as [string, Plain][])('%s', (_shape, value) => {
    expect(json(value).epochs).toMatchObject([
      { epoch: 1, trainLoss: 1, valLoss: 3 },
      { epoch: 2, trainLoss: 2, valLoss: 4 },
    ]);
  });

  test('steps and fractions of an epoch: an epoch has the mean of what was logged in it', () => {
    const { epochs, steps } = json([
      { epoch: 0.5, step: 2, loss: 4 },
      { epoch: 1, step: 4, loss: 2 },
      { epoch: 1, step: 4, eval_loss: 7 },
      { epoch: 1.5, step: 6, loss: 1 },
    ]);
    expect(epochs).toMatchObject([
      { epoch: 1, step: 4, trainLoss: 3, valLoss: 7 },
      { epoch: 2, step: 6, trainLoss: 1 },
    ]);
    expect(steps?.columns.total).toEqual(Float32Array.of(Number.NaN, 4, Number.NaN, 2, Number.NaN, 1));
  });

  test('curves without a place and lists that are no numbers are named', () => {
    const { left, warnings } = json({ train_loss: [1], val_mse: [1], stages: ['warm', 'cold'], loss: [2, 3] });
    // `loss` has more values and so the place of the training loss.
    expect(left).toEqual(['train_loss', 'val_mse', 'stages']);
    expect(warnings).toContain('Its lists differ in length: each begins with the first epoch.');
  });

  test.each([null, 3, 'text', [], {}, [1, 2], { train_loss: 'high' }, { train_loss: [] }] as Plain[])(
    '%j holds no epochs',
    (value) => {
      expect(json(value)).toMatchObject({ epochs: [], steps: null });
    },
  );

  test('more values than a history has are refused', () => {
    const lists = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`curve_${i}`, Array(100_000).fill(1)]));
    expect(() => json(lists)).toThrow('training_history.json holds more than 2000000 values.');
  });
});

describe('event files', () => {
  test('a validation ends an epoch; what is logged more often is kept by step', async () => {
    const logged = await readEventLogs([`${FIXTURES}/torch/events.out.tfevents.1700000000.host`]);
    const { epochs, steps, left, warnings } = historyOf(logged);
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual([1, 2, 3, 4].map((epoch) => [epoch, 25 * epoch]));
    const first = [5, 10, 15, 20, 25].map(lossAt);
    expect(epochs[0].trainLoss).toBeCloseTo(first.reduce((sum, loss) => sum + loss) / 5, 6);
    expect(epochs[3].valCosine).toBeCloseTo(0.525, 6);
    expect(steps).toMatchObject({ lastStep: 100 });
    expect(Object.keys(steps!.columns)).toEqual(['total', 'lr']);
    expect(steps!.columns.total![9]).toBeCloseTo(lossAt(10), 6);
    expect(left).toEqual(['Perplexity', 'notes/text_summary']);
    expect(warnings).toEqual(['Left out, since they have no place here: Perplexity, notes/text_summary.']);
  });

  test('values of loss terms, logged at each step, end no epoch', () => {
    const rows = [1, 2, 3, 4].map((step) => {
      const values = new Map([['step/value/mse', 1 / step]]);
      if (step % 2 === 0) values.set('epoch/valCosine', step / 8);
      return { step, values };
    });
    const { epochs, steps } = historyOf({ rows, otherNames: [], isByEpoch: false, warnings: [] });
    expect(epochs).toMatchObject([
      { epoch: 1, step: 2, valCosine: 0.25 },
      { epoch: 2, step: 4, valCosine: 0.5 },
    ]);
    expect(epochs[1].terms.mse.value).toBeCloseTo((1 / 3 + 1 / 4) / 2, 12);
    expect(steps?.lastStep).toBe(4);
  });

  test('sub-folders are part of the names; steps that count epochs are no steps', async () => {
    const paths = ['train', 'validation'].map(
      (name) => `${FIXTURES}/keras/${name}/events.out.tfevents.1700000000.host.v2`,
    );
    const { epochs, steps } = historyOf(await readEventLogs(paths));
    expect(steps).toBeNull();
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual([1, 2, 3, 4].map((epoch) => [epoch, 0]));
    expect(epochs[1].trainLoss).toBeCloseTo(0.5, 6);
    expect(epochs[1].valLoss).toBeCloseTo(0.6, 6);
  });
});

test('an offline run of W&B: its steps and epochs are those it names, not its calls of log', async () => {
  const { config, name, ...logged } = await readWandbLog(`${FIXTURES}/run-night.wandb`);
  expect([name, config.model_type, config.batch_size, logged.warnings]).toEqual(['lstm-night', 'lstm', 32, []]);
  const { epochs, steps, left } = historyOf(logged);
  expect(epochs.map(({ epoch, step, valCosine, oodCosine }) => [epoch, step, valCosine, oodCosine])).toEqual(
    [1, 2, 3, 4].map((epoch) => [epoch, 25 * epoch, 0.6 - 0.3 / epoch, 0.2]),
  );
  expect(steps!.columns.total).toEqual(Float32Array.from({ length: 100 }, (_, i) => lossAt(i + 1)));
  expect(left.toSorted()).toEqual(['gpu_temperature', 'gradients/block_0', 'gradients/block_1']);
});

describe('logs without epochs and validation', () => {
  const logOf = (steps: number) => ({
    rows: Array.from({ length: steps }, (_, i) => ({ step: i, values: new Map([['train/loss', i]]) })),
    otherNames: [],
    isByEpoch: false,
    warnings: [],
  });

  test('are curves by step', () => {
    const { epochs, steps, warnings } = historyOf(logOf(3));
    expect([epochs, steps]).toEqual([[], { lastStep: 3, columns: { total: Float32Array.of(0, 1, 2) } }]);
    expect(warnings).toEqual(['It names neither epochs nor validation: its curves are by step.']);
  });

  test('beyond 262,144 steps no series is kept', () => {
    const { steps, warnings } = historyOf(logOf(2 ** 18 + 1));
    expect(steps).toBeNull();
    expect(warnings).toEqual(['It has 262145 steps; beyond 262144 curves are kept by epoch only.']);
  });
});
