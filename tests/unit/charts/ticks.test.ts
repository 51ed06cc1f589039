import { describe, expect, it } from 'vitest';
import { decadesBetween } from '../../../src/renderer/charts/ticks.ts';

describe('decadesBetween', () => {
  it('gives the powers of ten inside the range, ends included', () => {
    expect(decadesBetween(0.000873, 12)).toEqual([1e-3, 1e-2, 0.1, 1, 10]);
    expect(decadesBetween(1e-3, 1)).toEqual([1e-3, 1e-2, 0.1, 1]);
    expect(decadesBetween(2, 9)).toEqual([]);
  });

  it('ends for any range that a chart may ask for', () => {
    for (const [min, max] of [
      [0, 1],
      [-1, 1],
      [Number.NaN, 1],
      [1e-300, Infinity],
    ])
      expect(decadesBetween(min, max)).toEqual([]);
    expect(decadesBetween(1e-24, 1e24)).toHaveLength(49);
  });
});
