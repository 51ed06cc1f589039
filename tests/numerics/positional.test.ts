/** The positional skip path of AMN and the least-squares start, on the tfjs cpu engine. */
import { expect, test } from 'vitest';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { initialParameters } from '#engine/init.ts';
import { fitPositionWeights, startParameters } from '#engine/start.ts';
import { Random } from '#engine/random.ts';
import type { NamedTensors } from '#engine/types.ts';
import { AMN, D, SOURCE, T, smallModel } from '../support/training.ts';
import { range, sourceOf } from '../support/walks.ts';

const POSITIONAL = { ...AMN, skip: 'positional' } as const;
const B = 12;

function batch(): { contexts: Float32Array; targets: Float32Array } {
  const contexts = new Float32Array(B * T * D);
  const targets = new Float32Array(B * D);
  SOURCE.gather(range(0, B), contexts, targets);
  return { contexts, targets };
}

test('position weights of 1/T reproduce the published model exactly', async () => {
  const { contexts } = batch();
  const plain = await smallModel(AMN);
  const positional = await smallModel(POSITIONAL);
  const weights: NamedTensors = new Map(await plain.readParameters());
  weights.set('position_weights', new Float32Array(T * D).fill(1 / T));
  await positional.writeParameters(weights);
  const { raw: a } = await plain.predict(contexts, B);
  const { raw: b } = await positional.predict(contexts, B);
  for (let i = 0; i < a.length; i++) expect(b[i]).toBeCloseTo(a[i], 6);
  expect(parameterCount(POSITIONAL)).toBe(parameterCount(AMN) + T * D);
});

test('gradient of the position weights matches finite differences', async () => {
  const { contexts, targets } = batch();
  const model = await smallModel(POSITIONAL);
  const { gradients } = await model.probe(contexts, targets, B);
  const parameters = await model.readParameters();
  const weights = parameters.get('position_weights')!;
  const total = async (index: number, shift: number): Promise<number> => {
    const moved = weights.slice();
    moved[index] += shift;
    await model.writeParameters(new Map(parameters).set('position_weights', moved));
    return (await model.probe(contexts, targets, B)).total;
  };
  const scale = Math.max(...gradients.get('position_weights')!.map(Math.abs));
  expect(scale).toBeGreaterThan(1e-4);
  for (const index of [0, D - 1, D + 3, T * D - 1]) {
    const h = 4e-3;
    const numeric = ((await total(index, h)) - (await total(index, -h))) / (2 * h);
    expect(Math.abs(numeric - gradients.get('position_weights')![index])).toBeLessThan(0.02 * scale);
  }
});

test('least squares recovers the generating weights', () => {
  const random = new Random(5);
  const windows = 400;
  const truth = Float64Array.from({ length: T * D }, () => 0.25 + 0.02 * random.normal());
  const vectors = Float32Array.from({ length: windows * (T + 1) * D }, () => random.normal());
  for (let w = 0; w < windows; w++) {
    for (let d = 0; d < D; d++) {
      let y = 0;
      for (let t = 0; t < T; t++) y += truth[t * D + d] * vectors[(w * (T + 1) + t) * D + d];
      vectors[(w * (T + 1) + T) * D + d] = y;
    }
  }
  const fitted = fitPositionWeights({ source: sourceOf(vectors, windows, T, D), ids: range(0, windows) });
  fitted.forEach((w, i) => expect(Math.abs(w - truth[i])).toBeLessThan(0.01));
});

test('a least-squares start predicts exactly the weighted context', async () => {
  const train = { source: SOURCE, ids: range(0, 100) };
  const parameters = startParameters('least-squares', POSITIONAL, 3, train);
  const model = await smallModel(POSITIONAL);
  await model.writeParameters(parameters);
  const { contexts } = batch();
  const { raw } = await model.predict(contexts, B);
  const weights = parameters.get('position_weights')!;
  for (let b = 0; b < B; b++) {
    for (let d = 0; d < D; d++) {
      let sum = 0;
      for (let t = 0; t < T; t++) sum += weights[t * D + d] * contexts[(b * T + t) * D + d];
      expect(raw[b * D + d]).toBeCloseTo(sum, 5);
    }
  }
});

test('constant zero dimensions and repeated rows do not break the fit', () => {
  const vectors = new Float32Array(50 * (T + 1) * D);
  for (let i = 0; i < vectors.length; i++) vectors[i] = i % D === 0 ? 0 : 1;
  const fitted = fitPositionWeights({ source: sourceOf(vectors, 50, T, D), ids: range(0, 50) });
  expect(fitted.every(Number.isFinite)).toBe(true);
});

test('the random initialisation is unchanged', () => {
  const train = { source: SOURCE, ids: range(0, 10) };
  expect(startParameters('random', AMN, 9, train)).toEqual(initialParameters(AMN, 9));
});
