/** Baselines, collapse measures and scores against closed forms and brute force. */
import { describe, expect, test } from 'vitest';
import { baselinePredictors, fitBaselines, measureBaselines } from '#engine/evaluation/baselines.ts';
import { diversity, effectiveRank } from '#engine/evaluation/collapse.ts';
import { symmetricEigenvalues } from '#engine/evaluation/eigenvalues.ts';
import { productFor } from '#engine/evaluation/fast-product.ts';
import { choleskyFactor, choleskySolve, plainProduct } from '#engine/evaluation/matrix.ts';
import { measure } from '#engine/evaluation/measure.ts';
import { score } from '#engine/evaluation/score.ts';
import { contextMeans, cosine, unitRows, weightedMeans } from '#engine/evaluation/vectors.ts';
import { gatherAll } from '#engine/evaluation/windows.ts';
import { Random } from '#engine/random.ts';
import { wasmProduct } from '#engine/tfjs/matrix.ts';
import type { TrainableModel } from '#engine/types.ts';
import { testHost } from '../support/host.ts';
import { baselineCosines, range, sourceOf, walks } from '../support/walks.ts';

const T = 4;
const D = 10;

/** Windows of random contexts; the target is `target(context)`, [T, D] → [D]. */
function windowsWith(windows: number, target: (context: Float32Array, random: Random) => number[], seed = 3) {
  const random = new Random(seed);
  const vectors = new Float32Array(windows * (T + 1) * D);
  for (let w = 0; w < windows; w++) {
    const start = w * (T + 1) * D;
    for (let i = 0; i < T * D; i++) vectors[start + i] = random.normal();
    vectors.set(target(vectors.subarray(start, start + T * D), random), start + T * D);
  }
  return sourceOf(vectors, windows, T, D);
}

describe('least squares', () => {
  test('the weighted mean recovers the generating weights', async () => {
    const weights = [0.3, 0, -0.2, 0.7];
    const source = windowsWith(200, (c) =>
      range(0, D).reduce<number[]>((y, d) => [...y, weights.reduce((s, w, t) => s + w * c[t * D + d], 0)], []),
    );
    const fitted = await fitBaselines({ source, ids: range(0, 150) }, { source, ids: range(150, 200) });
    expect(Array.from(fitted?.weights ?? [])).toEqual(weights.map((w) => expect.closeTo(w, 5)));
    const cosines = await baselineCosines(fitted as never, { source, ids: range(150, 200) }, 1);
    expect(cosines?.weightedMean).toBeCloseTo(1, 5);
  });

  test('ridge finds a linear map that T scalar weights cannot express', async () => {
    const random = new Random(9);
    const map = Float32Array.from({ length: D * D }, () => random.normal());
    const source = windowsWith(600, (c, noise) =>
      Array.from(plainProduct(c.subarray((T - 1) * D), map, 1, D, D), (y) => y + 0.1 * noise.normal()),
    );
    const fitted = await fitBaselines({ source, ids: range(0, 500) }, { source, ids: range(500, 600) });
    const cosines = await baselineCosines(fitted as never, { source, ids: range(500, 600) }, 1);
    expect(cosines?.weightedMean).toBeLessThan(0.6);
    expect(cosines?.ridge).toBeGreaterThan(0.9);
    expect(fitted?.ridgeStrength).toBeLessThan(0.3);
  });

  test('the pooled ridge solves its normal equations, λ 300 for unit vectors', async () => {
    const source = walks(500, T, D, 4);
    const all = { source, ids: range(0, 500) };
    const fitted = await fitBaselines(all, all);
    const { contexts, targets, B } = gatherAll(all);
    const weights = fitted?.weights ?? new Float64Array(T);
    const p = weightedMeans({ contexts, B }, weights, D);
    const input = (row: number) => [
      ...p.subarray(row * D, (row + 1) * D),
      ...contexts.subarray((row * T + T - 1) * D, (row + 1) * T * D),
    ];
    const map = fitted?.pooledRidge ?? new Float32Array(2 * D * D);
    // (XᵀX + λI)·V = Xᵀ(Y − p), entry by entry.
    for (const [i, d] of [
      [0, 0],
      [3, 7],
      [D + 2, 5],
      [2 * D - 1, D - 1],
    ]) {
      let left = 300 * map[i * D + d];
      let right = 0;
      for (let row = 0; row < B; row++) {
        const x = input(row);
        left += x[i] * x.reduce((sum, value, k) => sum + value * map[k * D + d], 0);
        right += x[i] * (targets[row * D + d] - p[row * D + d]);
      }
      expect(left).toBeCloseTo(right, 3);
    }
    const { raw } = await baselinePredictors(fitted as never, D).pooledRidge!.predict(contexts, B);
    const expected = input(1).reduce((sum, value, k) => sum + value * map[k * D + 4], p[D + 4]);
    expect(raw[D + 4]).toBeCloseTo(expected, 5);
  });

  test('on noise, the chosen λ keeps ridge no worse than the weighted mean', async () => {
    const source = walks(260, T, D, 5, 1);
    const validation = { source, ids: range(60, 260) };
    const fitted = await fitBaselines({ source, ids: range(0, 60) }, validation);
    const cosines = await baselineCosines(fitted as never, validation, 1);
    expect(cosines?.ridge).toBeGreaterThan((cosines?.weightedMean as number) - 0.01);
    expect(fitted?.ridgeStrength).toBeGreaterThan(0.3);
  });

  test('collinear positions do not break the fit', async () => {
    const source = windowsWith(50, (c) => {
      for (let t = 1; t < T; t++) c.copyWithin(t * D, 0, D);
      return Array.from(c.subarray(0, D));
    });
    const fitted = await fitBaselines({ source, ids: range(0, 40) }, { source, ids: range(40, 50) });
    expect(fitted?.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
  });
});

describe('scores', () => {
  const source = walks(300, T, D);
  const validation = { source, ids: range(100, 300) };

  test('mean of context, last vector and the shuffled floor match their definitions', async () => {
    const fitted = await fitBaselines({ source, ids: range(0, 100) }, validation);
    const cosines = await baselineCosines(fitted as never, validation, 1);
    const { contexts, targets, B } = gatherAll(validation);
    let mean = 0;
    let last = 0;
    let floor = 0;
    for (let row = 0; row < B; row++) {
      const at = (t: number, d: number) => contexts[(row * T + t) * D + d];
      const means = Float32Array.from({ length: D }, (_, d) => (at(0, d) + at(1, d) + at(2, d) + at(3, d)) / T);
      mean += cosine(means, 0, targets, row, D) / B;
      last += cosine(contexts, row * T + T - 1, targets, row, D) / B;
      for (let other = 0; other < B; other++) floor += cosine(means, 0, targets, other, D) / B ** 2;
    }
    expect(cosines?.contextMean).toBeCloseTo(mean, 6);
    expect(cosines?.lastVector).toBeCloseTo(last, 6);
    expect(cosines?.shuffled).toBeCloseTo(floor, 1);
    expect(cosines?.shuffled).toBeLessThan(mean);
  });

  test('the shuffled floor is equal in run table and evaluation, and excludes neighbours', async () => {
    // Two long articles on different themes: a shift by half a block stays in the same article.
    const random = new Random(8);
    const windows = 1200;
    const vectors = Float32Array.from({ length: windows * (T + 1) * D }, (_, i) => {
      const first = i < (windows / 2) * (T + 1) * D;
      return (i % D === (first ? 0 : 1) ? 2 : 0) + 0.1 * random.normal();
    });
    const source = sourceOf(vectors, windows, T, D);
    const all = { source, ids: range(0, windows) };
    const fitted = await fitBaselines(all, all);
    const table = await baselineCosines(fitted as never, all, 5);
    const measured = await measure({ predict: (contexts, B) => ({ raw: contextMeans(contexts, B, T, D) }) }, all, {
      baselines: {},
      seed: 5,
    });
    expect(measured.baselines.shuffled).toBeCloseTo(table?.shuffled as number, 6);
    expect(measured.baselines.shuffled).toBeCloseTo(0.5, 1);
    expect(measured.baselines.contextMean ?? measured.cosine.mean).toBeGreaterThan(0.9);
  });

  test('an evaluation carries an interval of each cosine and lift; a baseline has none over itself', async () => {
    const fitted = await fitBaselines({ source, ids: range(0, 100) }, validation);
    const baselines = baselinePredictors(fitted as never, D);
    const articleOf = Array.from({ length: 300 }, (_, id) => Math.floor(id / 10));
    const measured = await measure(baselines.weightedMean as never, validation, { baselines, articleOf, seed: 5 });
    const { cosine: own, intervals, lift } = measured;
    expect(intervals).toMatchObject({ unit: 'articles', groups: 20 });
    expect(intervals?.baselines.weightedMean).toEqual({ low: own.low, high: own.high });
    expect(own.low).toBeLessThan(own.mean as number);
    expect(own.high).toBeGreaterThan(own.mean as number);
    expect(lift.weightedMean).toBe(0);
    expect(intervals?.lift.weightedMean).toEqual({ low: 0, high: 0 });
    for (const name of ['contextMean', 'lastVector', 'ridge', 'shuffled'] as const) {
      expect(intervals?.lift[name]?.low).toBeLessThanOrEqual(lift[name] as number);
      expect(intervals?.lift[name]?.high).toBeGreaterThanOrEqual(lift[name] as number);
    }
    const blocks = await measure(baselines.weightedMean as never, validation, { baselines, seed: 5 });
    expect(blocks.intervals).toMatchObject({ unit: 'blocks' });
  });

  test('OOD cosines are null without an OOD set', async () => {
    const measured = await measureBaselines({ train: { source, ids: range(0, 100) }, validation }, 1);
    expect(measured?.baselines.ridge).toEqual({ valCosine: expect.any(Number), oodCosine: null });
    expect(Object.keys(measured?.baselines ?? {})).toHaveLength(6);
  });

  test('stops between blocks when asked', async () => {
    const stopped = await measureBaselines({ train: validation, validation }, 1, { between: () => false });
    expect(stopped).toBeNull();
  });

  test('score() agrees with the table', async () => {
    const fitted = await fitBaselines({ source, ids: range(0, 100) }, validation);
    const cosines = await baselineCosines(fitted as never, validation, 1);
    const { weightedMean } = baselinePredictors(fitted as never, D);
    const scored = await score(weightedMean as unknown as TrainableModel, validation);
    expect(scored?.cosine).toBeCloseTo(cosines?.weightedMean as number, 6);
    expect(scored?.unitMse).toBeCloseTo((2 * (1 - (scored?.cosine as number))) / D, 6);
    expect(scored?.nonFiniteRows).toBe(0);
  });
});

describe('linear algebra', () => {
  test('Cholesky solves systems larger than one panel and one unrolled group', () => {
    const n = 23;
    const columns = 131;
    const random = new Random(2);
    const half = Float64Array.from({ length: n * n }, () => random.normal());
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) matrix[i * n + j] += half[i * n + k] * half[j * n + k];
    const solution = Float64Array.from({ length: n * columns }, () => random.normal());
    const right = new Float64Array(n * columns);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < n; k++)
        for (let j = 0; j < columns; j++) right[i * columns + j] += matrix[i * n + k] * solution[k * columns + j];
    choleskyFactor(matrix, n);
    choleskySolve(matrix, n, right, columns);
    expect(Math.max(...right.map((x, i) => Math.abs(x - solution[i])))).toBeLessThan(1e-8);
  });

  test('an indefinite matrix is refused', () => {
    expect(() => choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrow(/not positive definite at row 1/);
  });

  test('the wasm matrix product agrees with plain loops', async () => {
    const random = new Random(4);
    const a = Float32Array.from({ length: 7 * 19 }, () => random.normal());
    const b = Float32Array.from({ length: 19 * 5 }, () => random.normal());
    const fast = await wasmProduct(testHost);
    expect(Array.from(fast?.(a, b, 7, 19, 5) ?? [])).toEqual(
      Array.from(plainProduct(a, b, 7, 19, 5), (x) => expect.closeTo(x, 5)),
    );
  });

  test('a small fit of the baselines takes plain loops, a large one the product of tfjs', async () => {
    const splits = (rows: number, width: number) => {
      const split = { source: sourceOf(new Float32Array(0), rows, T, width), ids: range(0, rows) };
      return { train: split, validation: split };
    };
    expect(await productFor(splits(300, 16), testHost)).toBe(plainProduct);
    expect(await productFor(splits(3000, 384), testHost)).not.toBe(plainProduct);
  });

  test('eigenvalues of the second-difference matrix are 2 − 2cos(kπ/(n+1)), also when it is rotated', async () => {
    const n = 40;
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      matrix[i * n + i] = 2;
      if (i + 1 < n) matrix[i * n + i + 1] = matrix[(i + 1) * n + i] = -1;
    }
    const expected = Array.from({ length: n }, (_, k) =>
      expect.closeTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 10),
    );
    expect(Array.from(symmetricEigenvalues(reflected(matrix, n), n))).toEqual(expected);
    expect(Array.from(symmetricEigenvalues(matrix, n))).toEqual(expected);
  });
});

/** H·A·H with a Householder reflection H: the same eigenvalues in a full matrix. */
function reflected(matrix: Float64Array, n: number): Float64Array {
  const random = new Random(8);
  const u = Array.from({ length: n }, () => random.normal());
  const norm = Math.hypot(...u);
  const h = (i: number, j: number) => (i === j ? 1 : 0) - (2 * u[i] * u[j]) / norm ** 2;
  const left = new Float64Array(n * n);
  const full = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) left[i * n + j] += h(i, k) * matrix[k * n + j];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) full[i * n + j] += left[i * n + k] * h(k, j);
  return full;
}

/** Unit vectors cycling through `count` axes. [rows, D] */
const axes = (count: number, D: number, rows: number) =>
  Float32Array.from({ length: rows * D }, (_, i) => (((i / D) | 0) % count === i % D ? 1 : 0));

describe('collapse', () => {
  test('diversity: 0 for one direction, 1 for orthogonal rows, brute force in between', () => {
    expect(diversity(axes(1, D, 6), D)).toBeCloseTo(0, 6);
    expect(diversity(axes(6, D, 6), D)).toBeCloseTo(1, 6);
    const unit = unitRows(gatherAll({ source: walks(20, T, D), ids: range(0, 20) }).targets, D);
    let sum = 0;
    for (let a = 0; a < 20; a++) for (let b = 0; b < 20; b++) if (a !== b) sum += cosine(unit, a, unit, b, D);
    expect(diversity(unit, D)).toBeCloseTo(1 - sum / (20 * 19), 5);
    expect(diversity(unit.subarray(0, D), D)).toBeNull();
  });

  test('effective rank: k − 1 for k axes equally often, whether rows or columns are more; null without variation', () => {
    expect(effectiveRank(axes(4, 8, 40), 8)).toBeCloseTo(3, 5);
    expect(effectiveRank(axes(4, 40, 8), 40)).toBeCloseTo(3, 5);
    expect(effectiveRank(axes(1, 8, 20), 8)).toBeNull();
    expect(effectiveRank(axes(4, 8, 40).fill(NaN, 0, 1), 8)).toBeNull();
  });

  test('effective rank of isotropic noise is near D, of a stretched one well below', () => {
    const random = new Random(6);
    const noise = Float32Array.from({ length: 4000 * D }, () => random.normal());
    expect(effectiveRank(noise, D)).toBeGreaterThan(D - 0.1);
    expect(
      effectiveRank(
        noise.map((x, i) => (i % D === 0 ? 10 * x : x)),
        D,
      ),
    ).toBeLessThan(D / 2);
  });
});
