/** tfjs engines beyond the PyTorch references: gradients at other settings, one row, dropout, memory, sizes. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { GRADIENT_TYPES, defaultGradientSpec, type GradientSpec } from '#shared/domain/models/models.ts';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { TERMS, TERM_TABLE, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import { lossInputs, losses } from '#engine/tfjs/losses.ts';
import type { TrainableModel } from '#engine/types.ts';
import { Random } from '#engine/random.ts';
import { testHost } from '../support/host.ts';
import { AMN, D, LSTM, SOURCE, T, smallModel } from '../support/training.ts';
import { range } from '../support/walks.ts';

const SMALL: Record<(typeof GRADIENT_TYPES)[number], GradientSpec> = {
  amn: AMN,
  lstm: LSTM,
  gru: { type: 'gru', T, D, dModel: 6, numLayers: 2 },
  transformer: { type: 'transformer', T, D, dModel: 8, heads: 2, numLayers: 2, feedForward: 16, dropout: 0.3 },
};

const only = (term: Term, changes: Partial<LossConfig> = {}): LossConfig => ({
  weights: Object.fromEntries(TERMS.map((other) => [other, other === term ? 1 : 0])) as LossConfig['weights'],
  tau: 0.3,
  marginDirectional: 0.4,
  marginAntiCopy: 0.3,
  varianceTarget: 0.25,
  ...changes,
});

beforeAll(async () => {
  await createTfjsEngine('cpu', testHost);
});

describe('term gradients', () => {
  const B = 5;
  const random = new Random(3);
  const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  const raw = normals(B * D);
  const contexts = normals(B * T * D);
  const targets = normals(B * D);

  /** [value, gradient] of one term at `at` [B, D]. */
  function measured(config: LossConfig, at: Float32Array): [number, Float32Array] {
    const out = tf.tidy(() => {
      const inputs = lossInputs(tf.tensor3d(contexts, [B, T, D]), tf.tensor2d(targets, [B, D]));
      const { total, dRaw } = losses(config, tf.tensor2d(at, [B, D]), inputs);
      return { total: total.clone(), dRaw };
    });
    const result: [number, Float32Array] = [out.total.dataSync()[0], out.dRaw.dataSync<'float32'>().slice()];
    tf.dispose([out.total, out.dRaw]);
    return result;
  }

  test.each(TERMS)('%s: gradient matches finite differences', (term) => {
    const config = only(term);
    const [, gradient] = measured(config, raw);
    const direction = normals(B * D);
    const step = 1e-2;
    const shifted = (sign: number) =>
      measured(
        config,
        raw.map((x, i) => x + sign * step * direction[i]),
      )[0];
    const slope = (shifted(1) - shifted(-1)) / (2 * step);
    const expected = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
    expect(Math.abs(expected)).toBeGreaterThan(1e-4);
    expect(Math.abs(slope - expected)).toBeLessThan(0.02 * Math.abs(expected) + 1e-4);
  });

  test('a satisfied variance hinge has zero value and gradient', () => {
    const [value, gradient] = measured(only('variance', { varianceTarget: 1e-3 }), raw);
    expect(value).toBe(0);
    expect(gradient.every((g) => g === 0)).toBe(true);
  });
});

test('with one row, terms of batch statistics are undefined and the rest trains', async () => {
  const model = await smallModel();
  const stats = await model.trainStep({ source: SOURCE, ids: range(3, 4), lr: 1e-3, step: 1 });
  expect(TERMS.filter((_, k) => Number.isNaN(stats.values[k]))).toEqual(
    TERMS.filter((term) => TERM_TABLE[term].minBatch > 1),
  );
  expect(stats.total).toBeGreaterThan(0);
  expect(stats.gradNorm).toBeGreaterThan(0);
  model.dispose();
});

describe('dropout', () => {
  const ids = range(0, 16);
  const loss = async (model: TrainableModel, step: number) =>
    (await model.trainStep({ source: SOURCE, ids, lr: 0, step })).total;

  test.each(['lstm', 'transformer'] as const)('%s: masks differ by step and repeat for the same step', async (type) => {
    // lr 0 still moves Adam's moments but not the weights, so only the masks can tell two steps apart.
    const model = await smallModel(SMALL[type]);
    const [first, second, again] = [await loss(model, 1), await loss(model, 2), await loss(model, 1)];
    expect(second).not.toBe(first);
    expect(again).toBe(first);
    model.dispose();
  });

  test('evaluation uses no dropout', async () => {
    const model = await smallModel(SMALL.transformer);
    const contexts = new Float32Array(16 * T * D);
    SOURCE.gather(ids, contexts, new Float32Array(16 * D));
    expect((await model.predict(contexts, 16)).raw).toEqual((await model.predict(contexts, 16)).raw);
    model.dispose();
  });
});

describe.each(['cpu', 'wasm'] as const)('%s memory', (name) => {
  test.each(GRADIENT_TYPES)('%s holds three tensors per parameter, independent of steps', async (type) => {
    const engine = await createTfjsEngine(name, testHost);
    const before = tf.memory().numTensors;
    const spec = SMALL[type];
    const model = await engine.createModel({
      spec,
      loss: only('mse'),
      optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
      seed: 1,
      parameters: initialParameters(spec, 1),
      maxBatch: 4,
    });
    const kept = tf.memory().numTensors;
    expect(kept - before).toBe(3 * initialParameters(spec, 1).size);
    const contexts = new Float32Array(9 * T * D).fill(0.1);
    for (let step = 1; step <= 3; step++) {
      await model.trainStep({ source: SOURCE, ids: range(step, step + 9), lr: 1e-3, step });
      await model.predict(contexts, 9);
    }
    await model.probe(contexts, new Float32Array(9 * D).fill(0.2), 9);
    model.writeParameters(await model.readParameters());
    await model.writeOptimizer(await model.readOptimizer());
    expect(tf.memory().numTensors).toBe(kept);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('initial parameters', () => {
  test('have the published parameter counts', () => {
    const sizes = GRADIENT_TYPES.map((type) => parameterCount(defaultGradientSpec(type, 5, 768)));
    expect(sizes).toEqual([1_510_912, 5_120_768, 7_095_552, 17_867_520]);
  });

  test('depend on the seed and stay in PyTorch’s ranges', () => {
    const spec = SMALL.transformer;
    const a = initialParameters(spec, 1);
    expect(initialParameters(spec, 1)).toEqual(a);
    expect(initialParameters(spec, 2)).not.toEqual(a);
    const inProj = a.get('transformer_decoder.layers.0.self_attn.in_proj_weight') as Float32Array;
    const bound = Math.sqrt(6 / (8 + 24));
    expect(Math.max(...inProj)).toBeGreaterThan(0.9 * bound);
    expect(Math.max(...inProj)).toBeLessThanOrEqual(bound);
    expect(a.get('transformer_decoder.layers.0.norm1.weight')).toEqual(new Float32Array(8).fill(1));
  });

  test('refuses weights of another model, naming the parameter', async () => {
    const model = await smallModel();
    const parameters = await model.readParameters();
    parameters.set('query_encoder.bias', new Float32Array(3));
    expect(() => model.writeParameters(parameters)).toThrow(/query_encoder.bias: expected 6 values .* got 3/);
    model.dispose();
  });
});
