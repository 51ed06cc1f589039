/** Projections of a data set: recover known structure, deterministically. */
import { describe, expect, it } from 'vitest';
import { Random } from '#engine/random.ts';
import { pcaPlane, symmetricEigen, umapPlane } from '../../../src/main/datasets/measures/projection.ts';

const D = 40;

/** Three far clusters along two directions (spread 9 and 4), with noise of 0.1 in all. */
function clusters(n: number): { X: Float32Array; cluster: number[] } {
  const random = new Random(5);
  const cluster = Array.from({ length: n }, (_, i) => i % 3);
  const X = new Float32Array(n * D);
  cluster.forEach((c, i) => {
    for (let d = 0; d < D; d++) X[i * D + d] = 2 + 0.1 * random.normal();
    X[i * D + 7] += [-3, 3, 0][c];
    X[i * D + 23] += [-1, -1, 2][c];
  });
  return { X, cluster };
}

function distance(plane: { x: Float32Array; y: Float32Array }, i: number, j: number): number {
  return Math.hypot(plane.x[i] - plane.x[j], plane.y[i] - plane.y[j]);
}

/** Mean distance within clusters over that between clusters. */
function tightness(plane: { x: Float32Array; y: Float32Array }, cluster: readonly number[]): number {
  const sums = { within: 0, between: 0, withinPairs: 0, betweenPairs: 0 };
  for (let i = 0; i < cluster.length; i++) {
    for (let j = 0; j < i; j++) {
      const same = cluster[i] === cluster[j];
      sums[same ? 'within' : 'between'] += distance(plane, i, j);
      sums[same ? 'withinPairs' : 'betweenPairs']++;
    }
  }
  return sums.within / sums.withinPairs / (sums.between / sums.betweenPairs);
}

describe('principal components', () => {
  it('are the centred directions of largest variance with their shares', async () => {
    const { X, cluster } = clusters(300);
    const plane = await pcaPlane(X, D);
    const spread = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0) / values.length;
    // Σ over clusters: (9 + 9 + 0) / 3 = 6 and (1 + 1 + 4) / 3 = 2; noise 0.01 in each of 40 directions.
    expect(spread(plane.x)).toBeCloseTo(6, 1);
    expect(spread(plane.y)).toBeCloseTo(2, 1);
    expect(plane.explained?.[0]).toBeCloseTo(6 / 8.4, 2);
    expect(plane.explained?.[1]).toBeCloseTo(2 / 8.4, 2);
    expect(Math.abs(plane.x.reduce((a, b) => a + b, 0) / 300)).toBeLessThan(1e-4);
    expect(tightness(plane, cluster)).toBeLessThan(0.08);
    expect(await pcaPlane(X, D)).toEqual(plane);
  });

  it('work for one or two vectors', async () => {
    expect(
      await pcaPlane(
        Float32Array.from({ length: D }, () => 1),
        D,
      ),
    ).toMatchObject({ x: new Float32Array(1) });
    const two = await pcaPlane(clusters(2).X, D);
    expect(two.explained?.[0]).toBeCloseTo(1, 5);
  });
});

describe('UMAP', () => {
  it('keeps clusters together, reports progress and is deterministic', async () => {
    const { X, cluster } = clusters(120);
    const reported: (number | null)[] = [];
    const plane = await umapPlane(X, D, (_, fraction) => reported.push(fraction));
    expect(plane.x).toHaveLength(120);
    expect(plane.explained).toBeNull();
    expect(tightness(plane, cluster)).toBeLessThan(0.3);
    const fractions = reported.filter((f) => f !== null);
    expect(fractions.length).toBeGreaterThan(5);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect((await umapPlane(X, D, () => undefined)).x).toEqual(plane.x);
  });
});

describe('eigenvectors of a small matrix', () => {
  it('diagonalise it', () => {
    const matrix = [
      [4, 1, -2],
      [1, 3, 0.5],
      [-2, 0.5, 5],
    ];
    const { values, vectors } = symmetricEigen(matrix);
    for (let j = 0; j < 3; j++) {
      const column = vectors.map((row) => row[j]);
      matrix.forEach((row, i) => {
        const product = row.reduce((sum, value, m) => sum + value * column[m], 0);
        expect(product).toBeCloseTo(values[j] * column[i], 10);
      });
    }
  });
});
