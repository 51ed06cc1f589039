import { describe, expect, it } from 'vitest';
import {
  cosineRange,
  mapSummary,
  mixColours,
  place,
  pointAt,
  scalePlaces,
  sideCounts,
  type Facts,
  type Layout,
} from '../../../src/renderer/features/datasets/map/map-view.ts';

const layout: Layout = {
  method: 'pca',
  x: Float32Array.of(-1, 0, 1, 3),
  y: Float32Array.of(0, 1, 0, -1),
  explained: [0.25, 0.125],
};
const facts: Facts = {
  vector: Float64Array.of(0, 300, 600, 899),
  article: Float64Array.of(10, 10, Number.NaN, 4),
  side: Float32Array.of(1, 1, 0, 2),
  cosine: Float32Array.of(0.1, Number.NaN, 0.5, 0.3),
  vectors: 900,
  splitOf: 'run #3',
};

describe('points of the map', () => {
  it('use one scale for both axes, centred, inside the frame', () => {
    const { px, py } = place(layout, 220, 120, 10);
    expect([...px]).toEqual([10, 60, 110, 210]);
    expect([...py]).toEqual([60, 10, 60, 110]);
  });

  it('the nearest within reach is found under the pointer', () => {
    const placed = place(layout, 220, 120, 10);
    expect(pointAt(placed, 62, 12)).toBe(1);
    expect(pointAt(placed, 150, 60)).toBeNull();
  });

  it('are coloured by article order, or by cosine between the 5th and 95th percentile', () => {
    expect([...scalePlaces(facts, 'article')]).toEqual([0, 0, Number.NaN, 1]);
    const error = scalePlaces(facts, 'error');
    expect([error[0], error[2]]).toEqual([0, 1]);
    expect(error[3]).toBeCloseTo(0.5, 5);
    expect(error[1]).toBeNaN();
    expect([...scalePlaces({ ...facts, cosine: null }, 'error')].every((v) => Number.isNaN(v))).toBe(true);
  });

  it('exclude vectors that are no target from the range', () => {
    expect(cosineRange(facts.cosine!)).toMatchObject({ measured: 3, mean: expect.closeTo(0.3, 5) as number });
  });

  it('interpolate between colour stops', () => {
    expect(mixColours(['#000000', '#ffffff'], 0.5)).toBe('rgb(128 128 128)');
    expect(mixColours(['#000000', '#ff0000', '#0000ff'], 0)).toBe('rgb(0 0 0)');
    expect(mixColours(['#000000', '#ff0000', '#0000ff'], 1)).toBe('rgb(0 0 255)');
  });
});

describe('text of the map', () => {
  it('describes points, axes, split and prediction quality', () => {
    expect(mapSummary(layout, facts)).toBe(
      'PCA of 4 of 900 vectors from 2 articles. The axes hold 25.0 % and 12.5 % of the variance. ' +
        'Split of run #3: 1 on neither side, 2 training, 1 validation. ' +
        'Cosine of run #3 at 3 targets: mean 0.300, 90 % between 0.100 and 0.500.',
    );
    const bare = { ...facts, side: null, cosine: null, vectors: 4, article: facts.article.map(() => Number.NaN) };
    expect(mapSummary({ ...layout, method: 'umap', explained: null }, bare)).toBe('UMAP of all 4 vectors.');
  });

  it('counts existing sides only', () => {
    expect(sideCounts(Float32Array.of(1, 1, 3))).toEqual([
      { side: 'train', points: 2 },
      { side: 'both', points: 1 },
    ]);
  });
});
