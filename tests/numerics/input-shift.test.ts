/** Relative and centred inputs: one wrapper around every network, the same in every engine. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INPUT_SHIFTS, GRADIENT_TYPES, defaultGradientSpec, type GradientSpec } from '#shared/domain/models/models.ts';
import { CORPUS_MEAN, parameterCount } from '#shared/domain/models/shapes.ts';
import { initialParameters } from '#engine/init.ts';
import { openEngine } from '#engine/registry.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { startParameters } from '#engine/start.ts';
import type { Engine, ModelOptions, NamedTensors } from '#engine/types.ts';
import { relativeError } from '#engine/verify.ts';
import { autodiff } from '../support/autodiff.ts';
import { testHost } from '../support/host.ts';
import { simdHost } from '../support/simd-host.ts';
import { AMN, D, LOSS, SEED, SOURCE, T } from '../support/training.ts';
import { range } from '../support/walks.ts';

const B = 12;
const train = { source: SOURCE, ids: range(0, 100) };
const contexts = new Float32Array(B * T * D);
const targets = new Float32Array(B * D);
SOURCE.gather(range(0, B), contexts, targets);

let simd: Engine;
let cpu: Engine;
beforeAll(async () => {
  simd = await createSimdEngine({ host: await simdHost(), threads: 1 });
  cpu = await openEngine('cpu', testHost);
});
afterAll(async () => {
  await simd.dispose();
  await cpu.dispose();
});

function optionsOf(spec: GradientSpec, parameters: NamedTensors, maxBatch = B): ModelOptions {
  const optimizer = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.5, clip: 1 };
  return { spec, loss: LOSS, optimizer, seed: SEED, parameters, maxBatch };
}

function small(type: GradientSpec['type'], inputs: GradientSpec['inputs']): GradientSpec {
  const spec: GradientSpec = { ...defaultGradientSpec(type, T, D), inputs };
  if ('dropout' in spec) spec.dropout = 0;
  if ('feedForward' in spec) spec.feedForward = 24;
  if ('heads' in spec) spec.heads = 2;
  if ('dModel' in spec) spec.dModel = 8;
  if ('hiddenDim' in spec) spec.hiddenDim = 8;
  return spec;
}

async function rawOf(
  engine: Engine,
  spec: GradientSpec,
  parameters: NamedTensors,
  x: Float32Array,
): Promise<Float32Array> {
  const model = await engine.createModel(optionsOf(spec, parameters));
  try {
    return (await model.predict(x, B)).raw;
  } finally {
    model.dispose();
  }
}

function shiftOf(spec: GradientSpec, parameters: NamedTensors, b: number, d: number): number {
  if (spec.inputs === 'centred') return parameters.get(CORPUS_MEAN)![d];
  let sum = 0;
  for (let t = 0; t < T; t++) sum += contexts[(b * T + t) * D + d];
  return sum / T;
}

describe.each(INPUT_SHIFTS)('%s', (inputs) => {
  test.each(GRADIENT_TYPES)(
    '%s equals the plain network on shifted inputs plus the shift, on both engines',
    async (type) => {
      const spec = small(type, inputs);
      const plain = small(type, undefined);
      const parameters = startParameters('random', spec, SEED, train);
      const shifted = contexts.map((x, i) => x - shiftOf(spec, parameters, Math.floor(i / (T * D)), i % D));
      const inner = await rawOf(cpu, plain, parameters, shifted);
      const expected = inner.map((y, i) => y + shiftOf(spec, parameters, Math.floor(i / D), i % D));
      for (const engine of [simd, cpu]) {
        const raw = await rawOf(engine, spec, parameters, contexts);
        expect(relativeError(raw, expected)).toBeLessThan(1e-5);
        expect(relativeError(raw, inner)).toBeGreaterThan(1e-3);
      }
      expect(parameterCount(spec)).toBe(parameterCount(plain));
    },
  );

  test.each(GRADIENT_TYPES)('losses and gradients of %s agree on simd and tfjs', async (type) => {
    const spec = small(type, inputs);
    const parameters = startParameters('random', spec, SEED, train);
    const options = optionsOf(spec, parameters);
    const model = await simd.createModel(options);
    const ours = await model.probe(contexts, targets, B);
    model.dispose();
    const theirs = await autodiff(cpu, options, contexts, targets);
    expect(relativeError([ours.total], [theirs.total])).toBeLessThan(1e-5);
    expect(relativeError([ours.gradNorm], [theirs.gradNorm])).toBeLessThan(1e-4);
    for (const [name, gradient] of theirs.gradients) {
      const difference = gradient.reduce((sum, g, i) => sum + (g - ours.gradients.get(name)![i]) ** 2, 0);
      expect({ name, isClose: Math.sqrt(difference) < 1e-4 * theirs.gradNorm }).toEqual({ name, isClose: true });
    }
  });

  // 16 rows: the update of simd is fused; 64: it runs over the bank.
  test.each([16, 64])('a step at batch %i leaves the shift constant unchanged', async (rows) => {
    const spec: GradientSpec = { ...AMN, inputs };
    const parameters = startParameters('random', spec, SEED, train);
    const constant = inputs === 'centred' ? CORPUS_MEAN : 'context_mean_weights';
    for (const engine of [simd, cpu]) {
      const model = await engine.createModel(optionsOf(spec, parameters, rows));
      for (let step = 1; step <= 2; step++)
        await model.trainStep({ source: SOURCE, ids: range(0, rows), lr: 1e-2, step });
      const after = await model.readParameters();
      expect(after.get(constant)).toEqual(parameters.get(constant));
      expect(after.get('residual_net.0.weight')).not.toEqual(parameters.get('residual_net.0.weight'));
      model.dispose();
    }
  });
});

test('the corpus mean is the mean target of the training windows', () => {
  const mean = startParameters('random', { ...AMN, inputs: 'centred' }, SEED, train).get(CORPUS_MEAN)!;
  const y = new Float32Array(100 * D);
  SOURCE.gather(range(0, 100), new Float32Array(100 * T * D), y);
  mean.forEach((value, d) => {
    const expected = y.reduce((sum, x, i) => (i % D === d ? sum + x / 100 : sum), 0);
    expect(value).toBeCloseTo(expected, 6);
  });
});

test('shifted inputs draw the same initial parameters', () => {
  const plain = initialParameters(AMN, SEED);
  const relative = initialParameters({ ...AMN, inputs: 'relative' }, SEED);
  for (const [name, values] of plain) expect(relative.get(name)).toEqual(values);
});

test.each(INPUT_SHIFTS)('a least-squares start with %s inputs fits the windows as well as without', async (inputs) => {
  const mse = async (spec: GradientSpec): Promise<number> => {
    const raw = await rawOf(cpu, spec, startParameters('least-squares', spec, SEED, train), contexts);
    return raw.reduce((sum, y, i) => sum + (y - targets[i]) ** 2, 0) / raw.length;
  };
  const positional = { ...AMN, skip: 'positional' } as const;
  expect(await mse({ ...positional, inputs })).toBeLessThan(1.1 * (await mse(positional)));
});
