/** Learning-rate schedules against PyTorch, and early stopping. */
import { describe, expect, test } from 'vitest';
import { Trainer, type ModelCheckpoint, type TrainingSettings } from '#engine/trainer/index.ts';
import { stallReason } from '#engine/trainer/early-stopping.ts';
import { cosineFactor, nextRate, type Rate } from '#engine/trainer/schedule.ts';
import { Recorder, SETTINGS, smallSimdModel, smallRun } from '../support/training.ts';

async function run(changes: Partial<TrainingSettings>, from?: ModelCheckpoint) {
  const recorder = new Recorder();
  const model = await smallSimdModel();
  if (from) {
    model.writeParameters(from.parameters);
    model.writeOptimizer(from.optimizer!);
  }
  const settings = { ...SETTINGS, ...changes };
  const finished = await new Trainer(smallRun(model, recorder, { settings, resumeFrom: from?.state })).run();
  return { recorder, finished, parameters: await model.readParameters() };
}

/** The last checkpoint of an epoch. */
function checkpointOf(recorder: Recorder, epoch: number): ModelCheckpoint {
  const found = recorder.checkpoints.find(({ kind, state }) => kind === 'last' && state.epoch === epoch + 1);
  return found as ModelCheckpoint;
}

describe('ReduceLROnPlateau', () => {
  const plateau = { kind: 'plateau', factor: 0.5, patience: 3, threshold: 1e-4 } as const;

  test('follows PyTorch on a stalling loss', () => {
    // torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=3, threshold=1e-4), lr 1, printed after each step
    const losses = [1, 0.9, 0.89995, 0.9, 0.91, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
    const expected = [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125];
    let rate: Rate = { lr: 1, scheduler: { best: null, badEpochs: 0 } };
    const rates = losses.map((loss) => {
      rate = nextRate(plateau, rate, loss);
      return rate.lr;
    });
    expect(rates).toEqual(expected);
  });

  test('constant keeps the rate', () => {
    const rate: Rate = { lr: 1, scheduler: { best: null, badEpochs: 0 } };
    expect(nextRate({ kind: 'constant' }, rate, 5)).toEqual(rate);
  });
});

/**
 * Rates of every step, printed by PyTorch 2.15: SequentialLR of LinearLR(start_factor=1/(W+1), total_iters=W) and
 * CosineAnnealingLR(T_max=S−W, eta_min=floor·lr), milestone W; without warm-up, CosineAnnealingLR alone.
 */
const PYTORCH = [
  {
    lr: 0.002,
    epochs: 3,
    stepsPerEpoch: 4,
    warmUp: 1,
    floor: 0.1,
    rates: [
      0.0004, 0.0008, 0.0012, 0.0016, 0.002, 0.00193149157926, 0.00173639610307, 0.00144441508913, 0.0011,
      0.000755584910871, 0.000463603896932, 0.00026850842074,
    ],
  },
  {
    lr: 5e-4,
    epochs: 4,
    stepsPerEpoch: 3,
    warmUp: 0,
    floor: 0,
    rates: [
      0.0005, 0.000491481456572, 0.000466506350946, 0.000426776695297, 0.000375, 0.000314704761276, 0.00025,
      0.000185295238724, 0.000125, 7.32233047034e-5, 3.34936490539e-5, 8.51854342773e-6,
    ],
  },
  {
    lr: 1,
    epochs: 2,
    stepsPerEpoch: 5,
    warmUp: 0.4,
    floor: 0,
    rates: [
      0.333333333333, 0.666666666667, 1, 0.961939766256, 0.853553390593, 0.691341716183, 0.5, 0.308658283817,
      0.146446609407, 0.0380602337444,
    ],
  },
] as const;

describe('cosine with warm-up', () => {
  test.each(PYTORCH)(
    'follows PyTorch: $epochs epochs of $stepsPerEpoch steps, warm-up $warmUp, floor $floor',
    (run) => {
      const { lr, warmUp, floor, rates } = run;
      const actual = rates.map((_, i) => lr * cosineFactor({ kind: 'cosine', warmUp, floor }, run, i + 1));
      actual.forEach((rate, i) => expect(Math.abs(rate - rates[i])).toBeLessThan(1e-11 * lr));
    },
  );

  test('sets the rate of every step, and a resumed run goes on with the same bits', async () => {
    const schedule = { kind: 'cosine', warmUp: 1, floor: 0.1 } as const;
    const through = await run({ schedule });
    const length = { epochs: 3, stepsPerEpoch: 7 };
    const expected = Array.from({ length: 21 }, (_, i) =>
      Math.fround(SETTINGS.lr * cosineFactor(schedule, length, i + 1)),
    );
    expect(through.recorder.column('lr')).toEqual(expected);
    expect(through.recorder.epochs.map(({ lr }) => Math.fround(Number(lr)))).toEqual(
      [6, 13, 20].map((i) => expected[i]),
    );
    const resumed = await run({ schedule }, checkpointOf(through.recorder, 1));
    expect(resumed.recorder.column('lr')).toEqual(expected.slice(7));
    expect(resumed.parameters).toEqual(through.parameters);
  });
});

describe('early stopping', () => {
  /** No cosine rises by more than 2. */
  const hopeless = { epochs: 9, earlyStopping: { on: 'validation', patience: 2, minGain: 2 } } as const;

  test('ends a run that gains nothing as finished, with the reason; its last checkpoint does not go on', async () => {
    const { recorder, finished } = await run(hopeless);
    expect(finished).toMatchObject({ status: 'finished', epoch: 3, step: 21 });
    expect(finished.reason).toMatch(
      /^Early stopping: the validation cosine has not risen above -?0\.\d{4} by more than 2 for 2 epochs\.$/,
    );
    const again = await run(hopeless, checkpointOf(recorder, 3));
    expect(again.finished).toMatchObject({ status: 'finished', epoch: 3, step: 21, reason: finished.reason });
    const resumed = await run(hopeless, checkpointOf(recorder, 2));
    expect(resumed.finished).toMatchObject({ status: 'finished', epoch: 3, step: 21, reason: finished.reason });
  });

  test('leaves a run alone that gains, and one whose rows are not measured', async () => {
    const gaining = await run({ earlyStopping: { on: 'ood', patience: 1, minGain: 0 } });
    expect(gaining.finished).toMatchObject({ status: 'finished', epoch: 3, reason: '' });
    expect(stallReason({ on: 'off', patience: 1, minGain: 0 }, { best: 0.5, badEpochs: 9 })).toBeNull();
  });
});
