/** The Gram mixture against reference values (tests/fixtures/make_gram.py): parts, Gram matrices, gate, optimiser. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listParts } from '#shared/domain/models/gram.ts';
import { addAllKeys, fitPositions, fitRidges, splitMaps } from '#engine/gram/fit.ts';
import { coefficientsOf, fitGateInput, Gate, gateFeatures, meanCosine } from '#engine/gram/gate/gate.ts';
import { adamwUpdate, oneCycle } from '#engine/gram/gate/gate-optimizer.ts';
import { GramMemory } from '#engine/gram/memory.ts';
import { PartsComputer } from '#engine/gram/parts/parts.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { relativeError } from '#engine/verify.ts';
import { FIXTURE_CONFIG, readGramFixture, sourceOf } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';

const T = 5;
const D = 20;
const K = 17;
const HIDDEN = FIXTURE_CONFIG.gate.hidden;

const fixture = await readGramFixture();

function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs(found[i] - expected[i]));
  return most;
}

const statistics = { gram: fixture('gram'), target: fixture('target'), count: fixture('target').length / K };
const input = fitGateInput(statistics, K, fixture('start'));

describe('parts', () => {
  let memory: GramMemory;

  beforeAll(async () => {
    const shape = { T, D, K, ridges: 3, pooledRidges: 2, filters: 2, maxKeys: 330, neighbours: 64 };
    memory = await GramMemory.open(await createRuntime({ host: await simdHost(), threads: 2 }), shape);
  });
  afterAll(() => memory.dispose());

  test('position weights, maps, parts and Gram matrices', async () => {
    const source = sourceOf(fixture('windows'), T, D);
    const ids = Uint32Array.from({ length: source.windows }, (_, id) => id);
    // Two clusters; the last fold holds out none of them.
    const clusters = [ids.filter((id) => id % 3 === 0), ids.filter((id) => id % 3 !== 0)];
    const { weights, means } = await fitPositions(memory, source, clusters, () => {});
    const mean = means.subarray(2 * D);
    expect(largestDifference(weights, fixture('weights'))).toBeLessThan(1e-5);
    expect(largestDifference(mean, fixture('mean'))).toBeLessThan(1e-6);

    const maps = await fitRidges(memory, { source, clusters, weights }, FIXTURE_CONFIG, () => {});
    const { ridges, pooledRidges, filters } = splitMaps(maps[2], FIXTURE_CONFIG, D);
    expect(
      largestDifference(
        ridges.flatMap((map) => [...map]),
        fixture('ridges'),
      ),
    ).toBeLessThan(1e-5);
    expect(
      largestDifference(
        pooledRidges.flatMap((map) => [...map]),
        fixture('pooled'),
      ),
    ).toBeLessThan(1e-5);
    expect(
      largestDifference(
        filters.flatMap((map) => [...map]),
        fixture('filters'),
      ),
    ).toBeLessThan(1e-5);

    const computer = new PartsComputer(memory, FIXTURE_CONFIG, listParts({ ...FIXTURE_CONFIG, extras: [] }, T));
    computer.use({ positionWeights: weights, mean, ridges, pooledRidges, filters });
    await addAllKeys(computer, source, ids, FIXTURE_CONFIG);
    const queries = sourceOf(fixture('queries'), T, D);
    const contexts = new Float32Array(queries.windows * T * D);
    const targets = new Float32Array(queries.windows * D);
    queries.gather(
      Uint32Array.from({ length: queries.windows }, (_, id) => id),
      contexts,
      targets,
    );
    const windows = { contexts, targets, count: queries.windows };
    expect(largestDifference(await computer.partsOf(windows), fixture('parts'))).toBeLessThan(1e-5);
    const found = await computer.statistics(windows);
    expect(largestDifference(found.gram, statistics.gram)).toBeLessThan(1e-5);
    expect(largestDifference(found.target, statistics.target)).toBeLessThan(1e-5);
  });
});

describe('gate', () => {
  const parameters = fixture('parameters');

  test('features and scales are standardised over the data', () => {
    expect(largestDifference(input.mean, fixture('feature_mean'))).toBeLessThan(1e-6);
    const inverse = (std: Float32Array) => std.map((value) => 1 / value);
    expect(relativeError(inverse(input.std), inverse(fixture('feature_std')))).toBeLessThan(1e-4);
    expect(largestDifference(input.scale, fixture('scale'))).toBeLessThan(1e-4);
  });

  test('coefficients and mean cosine', () => {
    const coefficients = coefficientsOf(statistics, input, [parameters], HIDDEN);
    expect(largestDifference(coefficients, fixture('coefficients'))).toBeLessThan(5e-5);
    expect(meanCosine(statistics, coefficients)).toBeCloseTo(-fixture('loss')[0], 6);
  });

  test('several gates give the mean of their coefficients', () => {
    const other = parameters.map((value) => -value);
    const [a, b] = [parameters, other].map((of) => coefficientsOf(statistics, input, [of], HIDDEN));
    const both = coefficientsOf(statistics, input, [parameters, other], HIDDEN);
    expect(
      largestDifference(
        both,
        a.map((value, i) => (value + b[i]) / 2),
      ),
    ).toBeLessThan(1e-5);
  });

  /** Mean loss and gradient over rows [from, to). */
  function lossAndGradient(of: Float32Array, from = 0, to = statistics.count) {
    const gate = new Gate(input, HIDDEN);
    const rows = { z: gateFeatures(statistics, input), statistics };
    const gradient = new Float64Array(of.length);
    let loss = 0;
    for (let row = from; row < to; row++) {
      gate.forward(of, rows.z, row);
      loss += gate.backward(of, gradient, rows, row, 1 / (to - from)) / (to - from);
    }
    return { loss, gradient };
  }

  test('gradient of the loss matches automatic differentiation', () => {
    const { loss, gradient } = lossAndGradient(parameters);
    expect(loss).toBeCloseTo(fixture('loss')[0], 6);
    expect(largestDifference(gradient, fixture('gradients'))).toBeLessThan(1e-6);
  });

  test('gradient of the loss matches finite differences', () => {
    const { gradient } = lossAndGradient(parameters);
    for (let i = 0; i < parameters.length; i += 17) {
      const [up, down] = [2 ** -12, -(2 ** -12)].map((by) => Math.fround(parameters[i] + by));
      const lossAt = (value: number) => lossAndGradient(parameters.with(i, value)).loss;
      expect(gradient[i]).toBeCloseTo((lossAt(up) - lossAt(down)) / (up - down), 5);
    }
  });

  test('AdamW with OneCycle takes the same steps as PyTorch', () => {
    const rates = fixture('rates');
    const steps = rates.length / 2;
    const trained = parameters.slice();
    const state = { parameters: trained, m: new Float32Array(trained.length), v: new Float32Array(trained.length) };
    for (let step = 0; step < steps; step++) {
      const { lr, beta1 } = oneCycle(step, steps + 1, 5e-3);
      expect(lr).toBeCloseTo(rates[2 * step], 8);
      expect(beta1).toBeCloseTo(rates[2 * step + 1], 6);
      const from = 8 * (step % 3);
      const { gradient } = lossAndGradient(trained, from, from + 8);
      adamwUpdate(state, gradient, { lr, beta1, weightDecay: 0.01, step: step + 1 });
    }
    expect(largestDifference(trained, fixture('trained'))).toBeLessThan(1e-5);
  });
});
