/** Turned copies of training batches: isometries of whole articles, the same after a resume, and of nothing but training. */
import { describe, expect, test } from 'vitest';
import { TrainerStateSchema } from '#shared/domain/runs/trainer-state.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { startParameters } from '#engine/start.ts';
import { Trainer, type Augmentation } from '#engine/trainer/index.ts';
import { TurnedBatches } from '#engine/trainer/augment.ts';
import type { TrainableModel } from '#engine/types.ts';
import { relativeError } from '#engine/verify.ts';
import { simdHost } from '../support/simd-host.ts';
import { AMN, D, LOSS, Recorder, SEED, SOURCE, T, smallRun } from '../support/training.ts';
import { range } from '../support/walks.ts';

/** Ten windows an article. */
const articleOf = Array.from({ length: 140 }, (_, window) => Math.floor(window / 10));
const HALF: Augmentation = { isometry: 0.5, articleOf };
const train = { source: SOURCE, ids: range(0, 100) };

/** The vectors [T+1, D] of each window of a batch. */
function windowsOf(source: typeof SOURCE, ids: Uint32Array): Float32Array[] {
  const contexts = new Float32Array(ids.length * T * D);
  const targets = new Float32Array(ids.length * D);
  source.gather(ids, contexts, targets);
  return Array.from(ids, (_, b) =>
    Float32Array.from([...contexts.subarray(b * T * D, (b + 1) * T * D), ...targets.subarray(b * D, (b + 1) * D)]),
  );
}

/** Products of all vectors of `a` with all of `b`. */
function products(a: Float32Array, b: Float32Array): number[] {
  const rows = (x: Float32Array) => Array.from({ length: x.length / D }, (_, i) => x.subarray(i * D, (i + 1) * D));
  return rows(a).flatMap((u) => rows(b).map((v) => u.reduce((sum, x, d) => sum + x * v[d], 0)));
}

function turned(ids: number[], epoch: number, augmentation = HALF, seed = SEED): Float32Array[] {
  const batch = new TurnedBatches(train, augmentation, seed).batch(Uint32Array.from(ids), epoch);
  return windowsOf(batch, range(0, ids.length));
}

describe('a batch', () => {
  const ids = [3, 41, 7, 90, 55, 12];
  const plain = windowsOf(SOURCE, Uint32Array.from(ids));
  const batch = turned(ids, 1);

  test('has its first half turned and the rest unchanged', () => {
    expect(batch.slice(3)).toEqual(plain.slice(3));
    for (const b of [0, 1, 2]) expect(relativeError(batch[b], plain[b])).toBeGreaterThan(0.05);
  });

  test('preserves dot products inside a window and between windows of one article', () => {
    for (const b of [0, 1, 2])
      expect(relativeError(products(batch[b], batch[b]), products(plain[b], plain[b]))).toBeLessThan(1e-4);
    expect(relativeError(products(batch[0], batch[2]), products(plain[0], plain[2]))).toBeLessThan(1e-4);
    expect(relativeError(products(batch[0], batch[1]), products(plain[0], plain[1]))).toBeGreaterThan(0.01);
  });

  test('all windows of an article share one map per epoch; other epochs and seeds have other maps', () => {
    expect(turned([7, 3], 1)[0]).toEqual(batch[2]);
    expect(turned([3, 41], 2)[0]).not.toEqual(batch[0]);
    expect(turned([3, 41], 1, HALF, SEED + 1)[0]).not.toEqual(batch[0]);
  });

  test('without articles every window has a map of its own', () => {
    const unknown = turned(ids, 1, { isometry: 1, articleOf: null });
    expect(relativeError(products(unknown[0], unknown[2]), products(plain[0], plain[2]))).toBeGreaterThan(0.01);
  });
});

async function simdModel(): Promise<TrainableModel> {
  const spec = { ...AMN, inputs: 'centred' } as const;
  const engine = await createSimdEngine({ host: await simdHost(), threads: 1 });
  const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 };
  const parameters = startParameters('random', spec, SEED, train);
  return engine.createModel({ spec, loss: LOSS, optimizer, seed: SEED, parameters, maxBatch: 16 });
}

async function trainedWeights(augmentation: Augmentation | undefined) {
  const model = await simdModel();
  const recorder = new Recorder();
  await new Trainer(smallRun(model, recorder, { augmentation })).run();
  return { weights: await model.readParameters(), recorder };
}

test('a run that is stopped inside an epoch and resumed reaches the same weights bit for bit', async () => {
  const straight = await trainedWeights(HALF);
  const recorder = new Recorder();
  const first = await simdModel();
  const stopping = new Trainer(smallRun(first, recorder, { augmentation: HALF }));
  const step = first.trainStep.bind(first);
  first.trainStep = (input) => {
    if (input.step === 10) stopping.stop();
    return step(input);
  };
  await stopping.run();
  const state = TrainerStateSchema.parse(JSON.parse(JSON.stringify(stopping.exportState())));
  expect(state).toMatchObject({ step: 10, epoch: 2 });
  const second = await simdModel();
  await second.writeParameters(await first.readParameters());
  await second.writeOptimizer(await first.readOptimizer());
  await new Trainer(smallRun(second, recorder, { augmentation: HALF, resumeFrom: state })).run();
  expect(await second.readParameters()).toEqual(straight.weights);
  expect(recorder.column('total')).toEqual(straight.recorder.column('total'));
});

test('a share of 0 changes nothing; other shares change the result', async () => {
  const [none, zero, half] = await Promise.all(
    [undefined, { ...HALF, isometry: 0 }, HALF].map((augmentation) => trainedWeights(augmentation)),
  );
  expect(zero.weights).toEqual(none.weights);
  expect(half.weights).not.toEqual(none.weights);
});
