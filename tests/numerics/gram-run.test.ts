/** A run that fits a Gram mixture: events, checkpoints, pause, stop and resume. */
import { beforeAll, expect, test } from 'vitest';
import { EngineFailure } from '#engine/failure.ts';
import type { GramConfig } from '#engine/gram/config.ts';
import type { GramDevice } from '#engine/gram/device.ts';
import { GramModel } from '#engine/gram/model.ts';
import { MixtureRun, type MixtureRunOptions } from '#engine/gram/run.ts';
import { createRuntime, type SimdRuntime } from '#engine/simd/runtime/runtime.ts';
import type { Checkpoint, FitCheckpoint, ModelCheckpoint } from '#engine/trainer/index.ts';
import type { GramSpec } from '#shared/domain/models/gram.ts';
import { TrainingEventSchema, type EpochRecord, type Stage } from '#shared/domain/runs/training.ts';
import { SMALL_CONFIG, smallGramData } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';
import { Recorder } from '../support/training.ts';

const EPOCHS = 3;
const CONFIG: GramConfig = {
  ...SMALL_CONFIG,
  neighbours: [{ count: 4, tau: 0.05 }],
  gate: { ...SMALL_CONFIG.gate, epochs: EPOCHS, gates: 1 },
};
const data = smallGramData();
let runtime: SimdRuntime;

beforeAll(async () => {
  runtime = await createRuntime({ host: await simdHost(), threads: 1 });
});

const isFit = (checkpoint: Checkpoint): checkpoint is FitCheckpoint => 'fit' in checkpoint;
const isModel = (checkpoint: Checkpoint): checkpoint is ModelCheckpoint => !isFit(checkpoint);

async function runWith(
  recorder: Recorder,
  changes: Partial<MixtureRunOptions> = {},
  during: (run: MixtureRun) => void = () => {},
) {
  const { source, train, articles, validation, ood } = data;
  const run = await MixtureRun.create(runtime, {
    config: CONFIG,
    seed: 7,
    train: { source, ids: train },
    articles,
    validation: { source, ids: validation },
    ood,
    baselines: {},
    hooks: recorder,
    ...changes,
  });
  during(run);
  const finished = await run.run();
  await run.dispose();
  return finished;
}

/** An undisturbed run, made once and shared by tests. */
let undisturbed: Promise<Recorder> | null = null;
function wholeRun(): Promise<Recorder> {
  undisturbed ??= (async () => {
    const recorder = new Recorder();
    await runWith(recorder);
    return recorder;
  })();
  return undisturbed;
}

/** Without what depends on the clock. */
function figures({ durationMs: _duration, rowsPerSecond: _speed, ...record }: EpochRecord) {
  return record;
}

test('a run goes through its stages, measures each epoch of the gates and ends with a model', async () => {
  const recorder = await wholeRun();
  const finished = recorder.events.find((event) => event.type === 'finished')!;
  expect(finished).toMatchObject({ status: 'finished', epoch: EPOCHS, step: EPOCHS });
  for (const event of recorder.events) expect(TrainingEventSchema.safeParse(event).success).toBe(true);
  const stages = recorder.events.filter((event): event is Stage => event.type === 'stage').map(({ name }) => name);
  expect([...new Set(stages)]).toEqual([
    'clusters',
    'positions',
    'ridges',
    'cross-fit 1 of 4',
    'cross-fit 2 of 4',
    'cross-fit 3 of 4',
    'cross-fit 4 of 4',
    'final fit',
    'gates',
  ]);
  expect(recorder.epochs.map(({ epoch, isBest }) => [epoch, isBest])).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ]);
  const last = recorder.epochs.at(-1)!;
  expect(last.effectiveRank.predictions).toBeGreaterThan(1);
  expect(finished.best).toMatchObject({ epoch: EPOCHS, valCosine: last.valCosine, oodCosine: last.oodCosine });
  expect(recorder.checkpoints.filter(isModel)).toHaveLength(1);
});

test('the model of the checkpoint reproduces its golden output', async () => {
  const recorder = await wholeRun();
  const { parameters, golden } = recorder.checkpoints.find(isModel)!;
  const { T, D } = data.source;
  const { gate, ridges, startRidge, pooledRidges, filters, neighbours } = CONFIG;
  const mixture = { ridges, startRidge, pooledRidges, filters, neighbours };
  const sizes = { hiddenDim: gate.hidden, gates: gate.gates, keys: data.train.length };
  const spec: GramSpec = { type: 'gram', T, D, ...sizes, ...mixture, extras: [] };
  const model = await GramModel.open(runtime, spec, parameters);
  expect((await model.predict(golden.contexts, golden.B)).raw).toEqual(golden.raw);
  await model.dispose();
});

test('a run resumed from a checkpoint of any kind of stage measures the same and ends in the same weights', async () => {
  const whole = await wholeRun();
  const parameters = whole.checkpoints.find(isModel)!.parameters;
  const fits = whole.checkpoints.filter(isFit);
  expect(fits).toHaveLength(8 + EPOCHS);
  for (const { state, fit } of [1, 4, 7, 9].map((i) => fits[i])) {
    const resumed = new Recorder();
    await runWith(resumed, { resumeFrom: { state, fit } });
    expect(resumed.epochs.map(figures)).toEqual(whole.epochs.slice(state.epoch - 1).map(figures));
    expect(resumed.checkpoints.find(isModel)!.parameters).toEqual(parameters);
  }
});

test('a stop ends the run in the middle of a stage, and it can be resumed', async () => {
  const recorder = new Recorder();
  let stopping: MixtureRun | null = null;
  const hooks = {
    onCheckpoint: recorder.onCheckpoint,
    onEvent: (event: Recorder['events'][number]) => {
      recorder.onEvent(event);
      if (event.type === 'stage' && event.name === 'ridges') stopping?.stop('enough');
    },
  };
  const finished = await runWith(recorder, { hooks }, (run) => (stopping = run));
  expect(finished).toMatchObject({ status: 'stopped', reason: 'enough', best: null });
  expect(recorder.checkpoints.filter(isFit).at(-1)!.fit.step).toBe(2);
  const { state, fit } = recorder.checkpoints.filter(isFit).at(-1)!;
  const resumed = await runWith(new Recorder(), { resumeFrom: { state, fit } });
  expect(resumed.status).toBe('finished');
});

test('a pause takes effect within a stage and changes no result', async () => {
  const whole = await wholeRun();
  const paused = new Recorder();
  let run: MixtureRun | null = null;
  const hooks = {
    onCheckpoint: paused.onCheckpoint,
    onEvent: (event: Recorder['events'][number]) => {
      paused.onEvent(event);
      if (event.type === 'stage' && event.name === 'cross-fit 2 of 4') run?.pause();
      if (event.type === 'status' && event.status === 'paused') setTimeout(() => run?.resume());
    },
  };
  const finished = await runWith(paused, { hooks }, (created) => (run = created));
  expect(finished.status).toBe('finished');
  expect(paused.events.some((event) => event.type === 'status' && event.status === 'paused')).toBe(true);
  expect(paused.epochs.map(figures)).toEqual(whole.epochs.map(figures));
});

test('a failure of the fit ends the run with its reason', async () => {
  const few = data.articles.map((article) => article % 7);
  const finished = await runWith(new Recorder(), { articles: few });
  expect(finished).toMatchObject({ status: 'failed', reason: expect.stringMatching(/7 articles .* at least 8/) });
});

test('a device that fails interrupts the run; its last checkpoint goes on, on simd too', async () => {
  const whole = await wholeRun();
  const recorder = new Recorder();
  const finished = await runWith(recorder, {
    openDevice: ({ L, maxKeys }) => {
      const device = plainDevice(L, maxKeys);
      // The first product is that of the check before the run.
      let products = 0;
      const ridgeProducts: GramDevice['ridgeProducts'] = async (rows, count) => {
        if (++products > 2) throw new EngineFailure('The GPU was lost.', 'Restart the machine.');
        return device.ridgeProducts(rows, count);
      };
      return { ...device, ridgeProducts };
    },
  });
  expect(finished).toMatchObject({
    status: 'interrupted',
    reason: 'The GPU was lost. When resumed, the run goes on from the end of its last stage. Restart the machine.',
  });
  const fits = recorder.checkpoints.filter(isFit);
  expect(fits).toHaveLength(2);
  const resumed = new Recorder();
  const { state, fit } = fits[1];
  expect(await runWith(resumed, { resumeFrom: { state, fit } })).toMatchObject({ status: 'finished' });
  expect(resumed.checkpoints.find(isModel)!.parameters).toEqual(whole.checkpoints.find(isModel)!.parameters);
});

/** Products in plain loops. */
function plainDevice(L: number, maxKeys: number): GramDevice {
  const kept = new Float32Array(maxKeys * L);
  return {
    async ridgeProducts(rows, count) {
      const products = new Float64Array(2 * L * 3 * L);
      for (let row = 0, i = 0; row < count; row++, i += 3 * L) {
        for (let k = 0; k < 2 * L; k++) {
          for (let d = 0; d < 3 * L; d++) products[k * 3 * L + d] += rows[i + k] * rows[i + d];
        }
      }
      return Float32Array.from(products);
    },
    setKeys: (keys, first) => kept.set(keys, first * L),
    async similarities(queries, count) {
      const values = new Float32Array(count * maxKeys);
      for (let i = 0; i < values.length; i++) {
        const [query, key] = [Math.floor(i / maxKeys) * L, (i % maxKeys) * L];
        for (let d = 0; d < L; d++) values[i] += queries[query + d] * kept[key + d];
      }
      return { values, pitch: maxKeys };
    },
    dispose() {},
  };
}
