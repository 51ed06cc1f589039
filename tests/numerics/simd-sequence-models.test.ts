/**
 * LSTM, GRU and Transformer on the simd engine as whole models: gradients against tfjs autodiff on random shapes, dropout
 * against finite differences, the same bits for any number of threads and across a resume.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultGradientSpec, type GradientSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import { createSimdEngine, VARIANTS } from '#engine/simd/index.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import type { Engine, EngineHost, LossProbe, ModelOptions, NamedTensors, TrainableModel } from '#engine/types.ts';
import { relativeError, zeroGradientRange } from '#engine/verify.ts';
import { autodiff, type Autodiff } from '../support/autodiff.ts';
import { testHost } from '../support/host.ts';
import { sharedStore } from '../support/shared-store.ts';
import { simdHost } from '../support/simd-host.ts';
import { range, walks } from '../support/walks.ts';

const LOSS: LossConfig = {
  weights: { ...byTerm(() => 0.05), mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3 },
  tau: 0.07,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1,
};

let host: EngineHost;
let engines: Record<'relaxed' | 'simd128' | 'tfjs', Engine>;
beforeAll(async () => {
  host = await simdHost();
  engines = {
    relaxed: await createSimdEngine({ host, threads: 1, variant: 'relaxed' }),
    simd128: await createSimdEngine({ host, threads: 1, variant: 'simd128' }),
    tfjs: await createTfjsEngine('cpu', testHost),
  };
});
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine.dispose();
});

function optionsOf(spec: GradientSpec, maxBatch: number, seed = 1, parameters?: NamedTensors): ModelOptions {
  return {
    spec,
    loss: LOSS,
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed,
    parameters: parameters ?? initialParameters(spec, 3),
    maxBatch,
  };
}

test.each([
  ['amn', 1_510_912],
  ['lstm', 5_120_768],
  ['gru', 7_095_552],
  ['transformer', 17_867_520],
] as const)('%s has %i parameters at D = 768', (type, count) => {
  expect(parameterCount(defaultGradientSpec(type, 5, 768))).toBe(count);
});

const sizes = {
  T: fc.integer({ min: 1, max: 6 }),
  D: fc.integer({ min: 2, max: 40 }),
  numLayers: fc.integer({ min: 1, max: 3 }),
};
const lstm = fc.record({ type: fc.constant('lstm' as const), ...sizes, hiddenDim: fc.integer({ min: 1, max: 29 }) });
const gru = fc.record({ type: fc.constant('gru' as const), ...sizes, dModel: fc.integer({ min: 6, max: 29 }) });
const transformer = fc
  .record({
    type: fc.constant('transformer' as const),
    ...sizes,
    heads: fc.integer({ min: 1, max: 4 }),
    // LayerNorm of a few features, over and over, blows up the rounding of float32.
    width: fc.integer({ min: 6, max: 10 }),
    feedForward: fc.integer({ min: 1, max: 37 }),
  })
  .map(({ width, ...spec }) => ({ ...spec, dModel: spec.heads * width, dropout: 0.1 }));
const SPEC: Record<'lstm' | 'gru' | 'transformer', fc.Arbitrary<GradientSpec>> = {
  lstm: lstm.map((spec) => ({ ...spec, dropout: 0.2 })),
  gru,
  transformer,
};

interface Case {
  readonly spec: GradientSpec;
  readonly B: number;
  readonly seed: number;
}

/** A model and its batch. Gradients are compared on the first `rows` of it. */
function problemOf({ spec, B, seed }: Case) {
  const { T, D } = spec;
  const contexts = new Float32Array(B * T * D);
  const targets = new Float32Array(B * D);
  walks(B, T, D, seed).gather(range(0, B), contexts, targets);
  const options = optionsOf(spec, B, 1, initialParameters(spec, seed));
  // A context of one vector has no direction.
  const loss = T === 1 ? { ...LOSS, weights: { ...LOSS.weights, directional: 0 } } : LOSS;
  const rows = B > 9 ? B - 9 : B;
  const first = { contexts: contexts.subarray(0, rows * T * D), targets: targets.subarray(0, rows * D), rows };
  return { options: { ...options, loss }, contexts, targets, first };
}

async function probeOf(engine: Engine, c: Case): Promise<LossProbe> {
  const { options, contexts, targets, first } = problemOf(c);
  const model = await engine.createModel(options);
  try {
    // A larger batch first leaves its traces in the memory that the smaller one uses.
    if (first.rows < c.B) await model.probe(contexts, targets, c.B);
    return await model.probe(first.contexts, first.targets, first.rows);
  } finally {
    model.dispose();
  }
}

/** Gradients of tfjs, computed once for all variants: they draw the same cases. */
const references = new Map<string, Promise<Autodiff>>();
function referenceOf(c: Case): Promise<Autodiff> {
  const key = JSON.stringify(c);
  const { options, first } = problemOf(c);
  const reference = references.get(key) ?? autodiff(engines.tfjs, options, first.contexts, first.targets);
  references.set(key, reference);
  return reference;
}

/** Error of one gradient; differences below the float32 noise of the whole gradient are ignored. */
function gradientError(name: string, ours: Float32Array, theirs: Float32Array, whole: number): number {
  const skip = zeroGradientRange(name, theirs.length) ?? [0, 0];
  let difference = 0;
  let norm = 0;
  theirs.forEach((g, i) => {
    if (i >= skip[0] && i < skip[1]) return;
    difference += (g - ours[i]) ** 2;
    norm += g ** 2;
  });
  return Math.sqrt(difference) / (Math.sqrt(norm) + 1e-2 * whole + 1e-6);
}

describe.each(VARIANTS)('%s', (variant) => {
  test.each(['lstm', 'gru', 'transformer'] as const)(
    '%s agrees with tfjs autodiff on random shapes',
    async (type) => {
      await fc.assert(
        fc.asyncProperty(
          SPEC[type],
          fc.integer({ min: 2, max: 20 }),
          fc.integer({ min: 1, max: 1e6 }),
          async (spec, B, seed) => {
            const ours = await probeOf(engines[variant], { spec, B, seed });
            const theirs = await referenceOf({ spec, B, seed });
            expect(relativeError([ours.total], [theirs.total])).toBeLessThan(1e-4);
            expect(ours.gradients.size).toBe(theirs.gradients.size);
            for (const [name, gradient] of theirs.gradients) {
              const error = gradientError(name, ours.gradients.get(name)!, gradient, theirs.gradNorm);
              expect({ name, within: error < 3e-4 }).toEqual({ name, within: true });
            }
          },
        ),
        { numRuns: 12, seed: 20261123 },
      );
    },
    240_000,
  );
});

const T = 4;
const D = 20;
const WINDOWS = 200;
const SMALL: GradientSpec[] = [
  { type: 'lstm', T, D, hiddenDim: 14, numLayers: 2, dropout: 0.2 },
  { type: 'gru', T, D, dModel: 14, numLayers: 2 },
  { type: 'transformer', T, D, dModel: 12, heads: 2, numLayers: 2, feedForward: 20, dropout: 0.1 },
];

/** Steps [first, last] of one fixed schedule; every seventh batch is a short one. */
async function train(model: TrainableModel, first: number, last: number): Promise<number[]> {
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const idsOf = (step: number) => {
    const random = new Random(step);
    return Uint32Array.from({ length: step % 7 === 0 ? 3 : 20 }, () => random.integer(WINDOWS));
  };
  const totals: number[] = [];
  for (let step = first; step <= last; step++) {
    const input = { source: shared, ids: idsOf(step), nextIds: idsOf(step + 1), lr: 1e-3, step };
    totals.push((await model.trainStep(input)).total);
  }
  return totals;
}

async function bytesOf(model: TrainableModel): Promise<Buffer> {
  const { m, v } = await model.readOptimizer();
  const tensors = [await model.readParameters(), m, v].flatMap((named) => [...named.values()]);
  return Buffer.concat(tensors.map((tensor) => Buffer.from(tensor.slice().buffer)));
}

describe.each(SMALL)('$type', (spec) => {
  test.each(VARIANTS)(
    '150 steps give the same bytes at 1, 2 and 3 threads and with tiles of both widths, %s',
    async (variant) => {
      const results: { totals: number[]; bytes: Buffer }[] = [];
      for (const threads of [1, 2, 3]) {
        const engine = await createSimdEngine({ host, threads, variant, wide: threads === 2 });
        const model = await engine.createModel(optionsOf(spec, 20));
        const totals = await train(model, 1, 150);
        results.push({ totals, bytes: await bytesOf(model) });
        await engine.dispose();
      }
      const [one, ...others] = results;
      const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
      expect(mean(one.totals.slice(-30))).toBeLessThan(mean(one.totals.slice(0, 30)));
      for (const { totals, bytes } of others) {
        expect(totals).toEqual(one.totals);
        expect(bytes.equals(one.bytes)).toBe(true);
      }
    },
  );

  test('a resumed model continues bit for bit, dropout masks included', async () => {
    const engine = await createSimdEngine({ host, threads: 1 });
    const whole = await engine.createModel(optionsOf(spec, 20));
    await train(whole, 1, 40);
    const first = await engine.createModel(optionsOf(spec, 20));
    await train(first, 1, 23);
    const second = await engine.createModel(optionsOf(spec, 20));
    await second.writeParameters(await first.readParameters());
    await second.writeOptimizer(await first.readOptimizer());
    await train(second, 24, 40);
    expect((await bytesOf(second)).equals(await bytesOf(whole))).toBe(true);
    await engine.dispose();
  });
});

/** Loss of one training step and, from the first moment after it, the gradient that the step used. */
async function stepOf(spec: GradientSpec, parameters: NamedTensors, seed: number, step: number) {
  const options = { ...optionsOf(spec, 20, seed, parameters) };
  const unclipped = { ...options, optimizer: { ...options.optimizer, clip: 0 } };
  const model = await engines.relaxed.createModel(unclipped);
  const { shared } = sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' });
  const { total } = await model.trainStep({ source: shared, ids: range(0, 20), lr: 1e-3, step });
  const { m } = await model.readOptimizer();
  model.dispose();
  return { total, gradients: new Map(Array.from(m, ([name, values]) => [name, values.map((x) => 10 * x)])) };
}

describe.each(SMALL.filter(({ type }) => type !== 'gru'))('dropout of $type', (spec) => {
  const parameters = initialParameters(spec, 3);

  test('masks differ by seed and step; evaluation uses none', async () => {
    const { total } = await stepOf(spec, parameters, 1, 1);
    expect((await stepOf(spec, parameters, 1, 1)).total).toBe(total);
    expect((await stepOf(spec, parameters, 2, 1)).total).not.toBe(total);
    expect((await stepOf(spec, parameters, 1, 2)).total).not.toBe(total);
    const still = { ...spec, dropout: 0 };
    expect((await stepOf(still, parameters, 2, 1)).total).toBe((await stepOf(still, parameters, 1, 2)).total);
    const contexts = new Float32Array(20 * T * D);
    sharedStore({ windows: WINDOWS, T, D, dtype: 'float32' }).plain.gather(
      range(0, 20),
      contexts,
      new Float32Array(20 * D),
    );
    const predictions = await Promise.all(
      [spec, still].map(async (each) => {
        const model = await engines.relaxed.createModel(optionsOf(each, 20));
        const { raw } = await model.predict(contexts, 20);
        model.dispose();
        return raw;
      }),
    );
    expect(predictions[0]).toEqual(predictions[1]);
  });

  test('gradient with dropout matches finite differences of the loss', async () => {
    const { gradients } = await stepOf(spec, parameters, 1, 5);
    const random = new Random(9);
    const direction = new Map(Array.from(parameters, ([name, w]) => [name, w.map(() => random.normal())]));
    const at = (epsilon: number): NamedTensors =>
      new Map(Array.from(parameters, ([name, w]) => [name, w.map((x, i) => x + epsilon * direction.get(name)![i])]));
    const epsilon = 5e-4;
    const [up, down] = [await stepOf(spec, at(epsilon), 1, 5), await stepOf(spec, at(-epsilon), 1, 5)];
    const slope = (up.total - down.total) / (2 * epsilon);
    let expected = 0;
    for (const [name, g] of gradients) g.forEach((x, i) => (expected += x * direction.get(name)![i]));
    expect(Math.abs(slope - expected)).toBeLessThan(0.02 * Math.abs(expected) + 0.01);
  });
});
