/** The simd engine gives the same bits for any number of threads, any gather path, and across a resume. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { IDLE_INFO_NCE_INTERVAL } from '#engine/losses/info-nce.ts';
import { createSimdEngine, VARIANTS } from '#engine/simd/index.ts';
import type { EngineHost, ModelOptions, StepStats, TrainableModel, WindowSource } from '#engine/types.ts';
import { sharedStore } from '../support/shared-store.ts';
import { newThreadsHost, simdHost } from '../support/simd-host.ts';

const T = 5;
const D = 40;
const WINDOWS = 500;
const LR = 1e-3;
const SPEC: ModelSpec = { type: 'amn', T, D, dModel: 13, hiddenDim: 26 };
const LOSS: LossConfig = {
  weights: { ...byTerm(() => 0.05), mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3 },
  tau: 0.07,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1,
};

let host: EngineHost;
beforeAll(async () => {
  host = await simdHost();
});

const options = (maxBatch: number, loss = LOSS): ModelOptions => ({
  spec: SPEC,
  loss,
  optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
  seed: 1,
  parameters: initialParameters(SPEC, 3),
  maxBatch,
});

/** Trains steps [first, last] of one fixed schedule of batches; every seventh batch is a short one. */
async function train(model: TrainableModel, source: WindowSource, batch: number, first: number, last: number) {
  const idsOf = (step: number) => {
    const random = new Random(step);
    return Uint32Array.from({ length: step % 7 === 0 ? 3 : batch }, () => random.integer(WINDOWS));
  };
  const stats: StepStats[] = [];
  for (let step = first; step <= last; step++) {
    stats.push(await model.trainStep({ source, ids: idsOf(step), nextIds: idsOf(step + 1), lr: LR, step }));
  }
  return stats;
}

interface Setup {
  readonly threads: number;
  readonly variant: string;
  readonly batch: number;
  readonly wide?: boolean;
}

async function bytesAfter({ batch, ...setup }: Setup, source: WindowSource, steps: number) {
  const engine = await createSimdEngine({ host, ...setup });
  const model = await engine.createModel(options(batch));
  const stats = await train(model, source, batch, 1, steps);
  const bytes = bytesOf(model);
  await engine.dispose();
  return { bytes: await bytes, stats };
}

async function bytesOf(model: TrainableModel): Promise<Buffer> {
  const { m, v } = await model.readOptimizer();
  const tensors = [await model.readParameters(), m, v].flatMap((named) => [...named.values()]);
  return Buffer.concat(tensors.map((tensor) => Buffer.from(tensor.slice().buffer)));
}

describe.each(VARIANTS)('%s', (variant) => {
  // Up to 48 rows the update is fused with the weight gradient; 70 rows take the unfused path.
  test.each([20, 70])('300 steps at 1, 2 and 3 threads give the same bits, batch %i', async (batch) => {
    const { shared, plain } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
    const one = await bytesAfter({ threads: 1, variant, batch }, shared, 300);
    const start = await bytesAfter({ threads: 1, variant, batch }, shared, 1);
    expect(one.bytes.equals(start.bytes)).toBe(false);
    for (const threads of [2, 3]) {
      const many = await bytesAfter({ threads, variant, batch }, shared, 300);
      expect(many.bytes.equals(one.bytes)).toBe(true);
      expect(many.stats).toEqual(one.stats);
    }
    const gathered = await bytesAfter({ threads: 2, variant, batch }, plain, 300);
    expect(gathered.bytes.equals(one.bytes)).toBe(true);
  });

  test.each([8, 20, 40, 70])('tiles of both widths give the same bits, batch %i', async (batch) => {
    const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
    const narrow = await bytesAfter({ threads: 2, variant, batch, wide: false }, shared, 60);
    const wide = await bytesAfter({ threads: 2, variant, batch, wide: true }, shared, 60);
    expect(wide.bytes.equals(narrow.bytes)).toBe(true);
    expect(wide.stats).toEqual(narrow.stats);
  });
});

test('float16 vectors give the bits of the same vectors in float32', async () => {
  const halves = await bytesAfter(
    { threads: 2, variant: 'auto', batch: 20 },
    sharedStore({ windows: WINDOWS, T, D, dtype: 'float16' }).shared,
    50,
  );
  const floats = await bytesAfter(
    { threads: 2, variant: 'auto', batch: 20 },
    sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' }).shared,
    50,
  );
  expect(halves.bytes.equals(floats.bytes)).toBe(true);
});

test('a resumed model continues bit for bit', async () => {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host, threads: 2 });
  const whole = await engine.createModel(options(20));
  await train(whole, shared, 20, 1, 60);
  const first = await engine.createModel(options(20));
  await train(first, shared, 20, 1, 31);
  const second = await engine.createModel(options(20));
  await second.writeParameters(await first.readParameters());
  await second.writeOptimizer(await first.readOptimizer());
  expect((await second.readOptimizer()).step).toBe(31);
  await train(second, shared, 20, 32, 60);
  expect((await bytesOf(second)).equals(await bytesOf(whole))).toBe(true);
  await engine.dispose();
});

test('threads may be added and taken away between steps; the bits stay the same', async () => {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host: await newThreadsHost(), threads: 2, maxThreads: 4 });
  const model = await engine.createModel(options(20));
  const stats: StepStats[] = [];
  const schedule = [2, 1, 4, 3, 1, 9];
  for (const [i, threads] of schedule.entries()) {
    model.setThreads?.(threads);
    stats.push(...(await train(model, shared, 20, 10 * i + 1, 10 * i + 10)));
  }
  const one = await bytesAfter({ threads: 1, variant: 'auto', batch: 20 }, shared, 60);
  expect((await bytesOf(model)).equals(one.bytes)).toBe(true);
  expect(stats).toEqual(one.stats);
  await engine.dispose();
});

test('predict splits any number of rows and leaves the model unchanged', async () => {
  const { plain } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host, threads: 2 });
  const model = await engine.createModel(options(16));
  const B = 37;
  const contexts = new Float32Array(B * T * D);
  plain.gather(
    Uint32Array.from({ length: B }, (_, i) => i),
    contexts,
    new Float32Array(B * D),
  );
  const before = await bytesOf(model);
  const all = await model.predict(contexts, B);
  const one = await model.predict(contexts.subarray(36 * T * D), 1);
  expect(all.raw.subarray(36 * D)).toEqual(one.raw);
  expect(all.attention!.subarray(36 * T)).toEqual(one.attention);
  for (let b = 0; b < B; b++) {
    const sum = all.attention!.subarray(b * T, (b + 1) * T).reduce((a, w) => a + w, 0);
    expect(sum).toBeCloseTo(1, 6);
  }
  expect((await bytesOf(model)).equals(before)).toBe(true);
  await engine.dispose();
});

test('InfoNCE with λ = 0 is measured periodically and does not change training', async () => {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host, threads: 2 });
  const loss = { ...LOSS, weights: { ...LOSS.weights, info_nce: 0 } };
  const model = await engine.createModel(options(20, loss));
  const stats = await train(model, shared, 20, 1, 2 * IDLE_INFO_NCE_INTERVAL);
  const measured = stats.map(({ values }) => !Number.isNaN(values[1]));
  expect(measured).toEqual(stats.map((_, i) => i % IDLE_INFO_NCE_INTERVAL === 0));
  expect(stats.every(({ total }) => Number.isFinite(total))).toBe(true);
  expect(stats.every(({ gradNorms }) => gradNorms[1] === 0)).toBe(true);
  await engine.dispose();
});

test('a window outside the store fails that step; the engine stays usable', async () => {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host, threads: 3 });
  const model = await engine.createModel(options(20));
  const step = async (id: number) => model.trainStep({ source: shared, ids: Uint32Array.of(1, id), lr: LR, step: 1 });
  await step(2);
  await expect(step(WINDOWS + 100)).rejects.toThrow(/outside the vector store/);
  expect((await step(2)).total).toBeGreaterThan(0);
  await engine.dispose();
});

test('a model refuses invalid input with the reason', async () => {
  const { shared } = sharedStore({ windows: WINDOWS, T: 4, D, dtype: 'float32' });
  const engine = await createSimdEngine({ host, threads: 1 });
  const model = await engine.createModel(options(4));
  const step = (source: WindowSource, ids: number[]) =>
    (async () => model.trainStep({ source, ids: Uint32Array.from(ids), lr: LR, step: 1 }))();
  await expect(step(shared, [1])).rejects.toThrow(/T 4, D 40; the model was made for T 5, D 40/);
  const right = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' }).shared;
  await expect(step(right, [1, 2, 3, 4, 5])).rejects.toThrow(/a batch of 5 rows; this model was made for 1 to 4/);
  await expect(createSimdEngine({ host, variant: 'mmx' })).rejects.toThrow(/no simd variant "mmx"/);
  model.dispose();
  await expect(step(right, [1])).rejects.toThrow(/disposed/);
});
