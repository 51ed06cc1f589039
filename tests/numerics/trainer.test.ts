/** The training loop on a small model: records, schedule, best checkpoint, control, failure, bit-for-bit resumption. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { TrainingEventSchema } from '#shared/domain/runs/training.ts';
import { TrainerStateSchema } from '#shared/domain/runs/trainer-state.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { NamedTensors } from '#engine/types.ts';
import { Trainer, type ModelCheckpoint, type TrainerOptions } from '#engine/trainer/index.ts';
import { sourceOf, range } from '../support/walks.ts';
import {
  AMN,
  D,
  LOSS,
  LSTM,
  Recorder,
  SETTINGS,
  smallModel,
  smallRun,
  smallSimdModel,
  SOURCE,
  T,
} from '../support/training.ts';

async function run(changes: Partial<TrainerOptions> = {}, make: typeof smallModel = smallSimdModel, spec = AMN) {
  const recorder = new Recorder();
  const model = await make(spec);
  const trainer = new Trainer(smallRun(model, recorder, changes));
  const finished = await trainer.run();
  return { recorder, model, trainer, finished };
}

/** An LSTM takes far longer a step: two epochs. */
const settingsOf = ({ type }: GradientSpec) => (type === 'lstm' ? { ...SETTINGS, epochs: 2 } : SETTINGS);

/** An uninterrupted run of a model, trained once and shared by tests. */
const straightRuns = new Map<string, ReturnType<typeof run>>();
function straightRun(make: typeof smallModel = smallSimdModel, spec = AMN) {
  const key = `${make.name} ${spec.type}`;
  const running = straightRuns.get(key) ?? run({ settings: settingsOf(spec) }, make, spec);
  straightRuns.set(key, running);
  return running;
}

function bytes(tensors: NamedTensors): Map<string, string> {
  return new Map(
    Array.from(tensors, ([name, x]) => [name, Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('hex')]),
  );
}

/** The training windows; calls `act` when the batch of `step` is gathered. */
function trainingSetThat(step: number, act: () => void): TrainerOptions['train'] {
  let gathers = -1; // the trainer gathers its probe batch once, before the first step
  return {
    ids: range(0, 100),
    source: {
      ...SOURCE,
      gather: (ids, contexts, targets) => {
        SOURCE.gather(ids, contexts, targets);
        if (++gathers === step) act();
      },
    },
  };
}

/** Trains steps 1..k, then continues with a new model and trainer from the exported state. */
async function interrupted(atStep: number, make: typeof smallModel, spec: GradientSpec) {
  const recorder = new Recorder();
  const model = await make(spec);
  const train = trainingSetThat(atStep, () => first.stop());
  const settings = settingsOf(spec);
  const first: Trainer = new Trainer(smallRun(model, recorder, { train, settings }));
  const stopped = await first.run();
  const state = TrainerStateSchema.parse(JSON.parse(JSON.stringify(first.exportState())));
  const second = await make(spec);
  second.writeParameters(await model.readParameters());
  second.writeOptimizer(await model.readOptimizer());
  const trainer = new Trainer(smallRun(second, recorder, { resumeFrom: state, settings }));
  return { stopped, finished: await trainer.run(), model: second, recorder };
}

describe('records', () => {
  test('a run emits the declared events in order and learns', async () => {
    const { recorder, finished } = await straightRun();
    for (const event of recorder.events) TrainingEventSchema.parse(event);
    expect(recorder.events[0]).toMatchObject({
      type: 'started',
      trainRows: 100,
      valRows: 24,
      oodRows: 16,
      stepsPerEpoch: 7,
    });
    expect(recorder.events.at(-1)).toEqual(finished);
    expect(finished).toMatchObject({ status: 'finished', step: 21, epoch: 3 });
    expect(recorder.epochs.map((epoch) => epoch.epoch)).toEqual([1, 2, 3]);
    expect(recorder.epochs[2].trainLoss).toBeLessThan(recorder.epochs[0].trainLoss as number);
    expect(recorder.epochs[2].valCosine).toBeGreaterThan(recorder.epochs[0].valCosine as number);
  });

  test('step blocks hold every step once; epoch figures are their means', async () => {
    const { recorder } = await straightRun();
    const steps = recorder.blocks.flatMap((block) =>
      Array.from({ length: block.count }, (_, i) => block.firstStep + i),
    );
    expect(steps).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    const rows = [16, 16, 16, 16, 16, 16, 4];
    const totals = recorder.column('total').slice(0, 7);
    const mean = totals.reduce((sum, total, i) => sum + total * rows[i], 0) / 100;
    expect(recorder.epochs[0].trainLoss).toBeCloseTo(mean, 5);
    for (let step = 0; step < 21; step++) {
      for (const kind of ['share', 'gradShare'] as const) {
        const sum = TERMS.reduce((total, term) => total + recorder.column(`${kind}/${term}`)[step], 0);
        expect(sum).toBeCloseTo(1, 5);
      }
    }
    expect(recorder.epochs[0].terms.variance).toMatchObject({ weighted: 0, share: 0, gradShare: 0 });
    expect(recorder.epochs[0].terms.variance.value).toBeGreaterThan(0);
  });

  test('a new best epoch reports its cosines over the articles, and its intervals in record and state', async () => {
    const validation = {
      source: SOURCE,
      ids: range(100, 160),
      articleOf: range(0, 160).map((id) => Math.floor(id / 6)),
    };
    const best: CosineSums[] = [];
    const hooks = { onEvent: () => undefined, onBest: (sums: CosineSums) => void best.push(sums) };
    const { trainer, finished } = await run({ validation, hooks, baselineSums: () => best[0] ?? null });
    const { windows, sums, unit } = best.at(-1)!.validation;
    expect(unit).toBe('articles');
    expect(windows.reduce((a, b) => a + b)).toBe(60);
    expect(sums.model.reduce((a, b) => a + b) / 60).toBeCloseTo(finished.best!.valCosine, 6);
    const { valCosine, valLift } = finished.best!.intervals!;
    expect(valCosine!.low).toBeLessThan(finished.best!.valCosine);
    expect(valCosine!.high).toBeGreaterThan(finished.best!.valCosine);
    // No baselines among these sums.
    expect(valLift).toBeNull();
    expect(trainer.exportState().best).toEqual(finished.best);
  });

  test('validation loss is 2(1 − cosine)/D for unit targets', async () => {
    const { recorder } = await straightRun();
    for (const { valLoss, valCosine } of recorder.epochs) {
      expect(valLoss).toBeCloseTo((2 * (1 - (valCosine as number))) / D, 6);
    }
  });

  test('the best checkpoint has the lowest validation loss and reproduces its golden pair', async () => {
    const { recorder, finished } = await run({ settings: { ...SETTINGS, epochs: 6, lr: 0.05 } });
    const lowest = recorder.epochs.reduce((a, b) => ((b.valLoss as number) < (a.valLoss as number) ? b : a));
    expect(finished.best).toMatchObject({ epoch: lowest.epoch, valLoss: lowest.valLoss });
    const best = recorder.checkpoints.filter((saved) => 'parameters' in saved && saved.kind === 'best').at(-1) as
      ModelCheckpoint | undefined;
    expect(best?.state.best?.epoch).toBe(lowest.epoch);
    const model = await smallSimdModel();
    model.writeParameters(best?.parameters as NamedTensors);
    const { raw } = await model.predict(best?.golden.contexts as Float32Array, best?.golden.B as number);
    expect(raw).toEqual(best?.golden.raw);
  });

  test('equal seeds give equal runs; another seed another order', async () => {
    const [a, b, c] = [await straightRun(), await run(), await run({ settings: { ...SETTINGS, seed: 7, epochs: 1 } })];
    expect(a.recorder.column('total')).toEqual(b.recorder.column('total'));
    expect(a.recorder.column('total').slice(0, 7)).not.toEqual(c.recorder.column('total'));
  });
});

describe('resumption', () => {
  test.each([
    { atStep: 4, spec: AMN, make: smallModel, on: 'tfjs' },
    { atStep: 11, spec: AMN, make: smallModel, on: 'tfjs' },
    { atStep: 7, spec: AMN, make: smallModel, on: 'tfjs' },
    { atStep: 10, spec: LSTM, make: smallModel, on: 'tfjs' },
    { atStep: 4, spec: AMN, make: smallSimdModel, on: 'simd' },
    { atStep: 11, spec: AMN, make: smallSimdModel, on: 'simd' },
    { atStep: 7, spec: AMN, make: smallSimdModel, on: 'simd' },
  ])('stopped after step $atStep, $spec.type on $on continues bit for bit', async ({ atStep, spec, make }) => {
    const straight = await straightRun(make, spec);
    const broken = await interrupted(atStep, make, spec);
    expect(broken.stopped).toMatchObject({ status: 'stopped', step: atStep });
    expect(broken.finished.status).toBe('finished');
    expect(bytes(await broken.model.readParameters())).toEqual(bytes(await straight.model.readParameters()));
    expect(broken.recorder.column('total')).toEqual(straight.recorder.column('total'));
    const untimed = ({ rowsPerSecond: _r, durationMs: _d, ...rest }: (typeof straight.recorder.epochs)[number]) => rest;
    expect(broken.recorder.epochs.map(untimed)).toEqual(straight.recorder.epochs.map(untimed));
  });

  test('refuses the state of another seed', async () => {
    const { trainer, model } = await straightRun();
    const resumeFrom = { ...trainer.exportState(), seed: 5 };
    expect(() => new Trainer(smallRun(model, new Recorder(), { resumeFrom }))).toThrow(/seed 5/);
  });
});

describe('control', () => {
  test('pause stops after the current step and stores a checkpoint; resume reaches the weights of an unpaused run', async () => {
    const straight = await straightRun();
    const recorder = new Recorder();
    const model = await smallSimdModel();
    const train = trainingSetThat(5, () => trainer.pause());
    const trainer: Trainer = new Trainer(smallRun(model, recorder, { train }));
    const running = trainer.run();
    await expect
      .poll(() => recorder.events)
      .toContainEqual(expect.objectContaining({ type: 'status', status: 'paused' }));
    expect(recorder.checkpoints.at(-1)?.kind).toBe('last');
    expect(recorder.column('total')).toHaveLength(5);
    // If training had not paused, it would take more steps in these turns of the event loop.
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    expect(recorder.column('total')).toHaveLength(5);
    trainer.resume();
    expect(await running).toMatchObject({ status: 'finished', step: 21 });
    expect(bytes(await model.readParameters())).toEqual(bytes(await straight.model.readParameters()));
  });

  test('stopAtEpochEnd evaluates the epoch before it stops', async () => {
    const recorder = new Recorder();
    const trainer = new Trainer(smallRun(await smallSimdModel(), recorder));
    trainer.stopAtEpochEnd();
    expect(await trainer.run()).toMatchObject({ status: 'stopped', step: 7 });
    expect(recorder.epochs).toHaveLength(1);
  });

  test('a gate in the epoch hook stops the run before the next epoch', async () => {
    const recorder = new Recorder();
    const trainer: Trainer = new Trainer(
      smallRun(await smallSimdModel(), recorder, {
        hooks: {
          onEvent: (event) => {
            recorder.onEvent(event);
            if (event.type === 'epoch' && event.epoch === 2) trainer.stop('gate');
          },
        },
      }),
    );
    expect(await trainer.run()).toMatchObject({ status: 'stopped', reason: 'gate', step: 14 });
  });

  test('a λ change between steps takes effect and is recorded', async () => {
    const recorder = new Recorder();
    const trainer: Trainer = new Trainer(
      smallRun(await smallSimdModel(), recorder, {
        hooks: {
          onEvent: (event) => {
            recorder.onEvent(event);
            if (event.type === 'epoch' && event.epoch === 1) {
              trainer.setLoss({ ...LOSS, weights: { ...LOSS.weights, info_nce: 0 } });
            }
          },
        },
      }),
    );
    await trainer.run();
    expect(recorder.epochs[0].terms.info_nce.share).toBeGreaterThan(0);
    expect(recorder.epochs[1].terms.info_nce).toMatchObject({ share: 0, gradShare: 0 });
  });
});

describe('failure', () => {
  const vectors = new Float32Array(24 * (T + 1) * D);
  SOURCE.gather(range(0, 24), vectors.subarray(0, 24 * T * D), vectors.subarray(24 * T * D));
  const withNaN = sourceOf(vectors.fill(NaN, 0, D), 24, T, D);

  test('NaN in the data fails the run with step and terms, without a checkpoint of the NaN weights', async () => {
    const { finished, recorder } = await run({ train: { source: withNaN, ids: range(0, 24) } });
    expect(finished).toMatchObject({ status: 'failed' });
    expect(finished.reason).toMatch(/no longer a finite number at step \d+ \(epoch 1\): terms mse/);
    expect(recorder.checkpoints).toEqual([]);
  });

  test('NaN in the validation set is counted, recorded as null and fails the run', async () => {
    const { finished, recorder } = await run({ validation: { source: withNaN, ids: range(0, 24) } });
    expect(recorder.epochs).toHaveLength(1);
    expect(recorder.epochs[0]).toMatchObject({ valCosine: null, valLoss: null, nonFiniteRows: 1, isBest: false });
    expect(finished).toMatchObject({ status: 'failed', best: null });
    expect(finished.reason).toMatch(/1 of 24 validation rows/);
  });

  test('refuses an empty split, a wrong width and a batch of one row with moment', async () => {
    const model = await smallSimdModel();
    const refusal = (changes: Partial<TrainerOptions>) => () => new Trainer(smallRun(model, new Recorder(), changes));
    expect(refusal({ validation: { source: SOURCE, ids: range(0, 0) } })).toThrow(/validation set has no windows/);
    expect(refusal({ ood: { source: { ...SOURCE, D: 13 }, ids: range(0, 1) } })).toThrow(/4×13, the model takes 4×12/);
    expect(refusal({ settings: { ...SETTINGS, batchSize: 1 } })).toThrow(/batch of at least 2/);
  });
});
