import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawPoints } from '../../../src/renderer/charts/data/columns.ts';
import { halfLives, smooth } from '../../../src/renderer/charts/data/smoothing.ts';
import { extremes, perhapsNaN } from './arbitraries.ts';

const indices = (n: number) => Float64Array.from({ length: n }, (_, i) => i);

describe('smooth', () => {
  it('stays within the range of past values and keeps gaps', () => {
    fc.assert(
      fc.property(
        fc.array(perhapsNaN, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 500 }),
        (v, half) => {
          const out = smooth(rawPoints(indices(v.length), Float32Array.from(v)), half).mean;
          for (let i = 0; i < v.length; i++) {
            expect(Number.isNaN(out[i])).toBe(Number.isNaN(v[i]));
            if (Number.isNaN(v[i])) continue;
            const seen = extremes(v.slice(0, i + 1));
            expect(out[i]).toBeGreaterThanOrEqual(seen.min - 1e-2);
            expect(out[i]).toBeLessThanOrEqual(seen.max + 1e-2);
          }
        },
      ),
    );
  });

  it('keeps a constant unchanged from the first point on', () => {
    const out = smooth(rawPoints(indices(50), new Float32Array(50).fill(3)), 20).mean;
    for (const v of out) expect(v).toBeCloseTo(3, 5);
  });

  it('halves the weight of the past in one half-life', () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => (i < 4000 ? 0 : 1));
    const out = smooth(rawPoints(indices(5000), values), 100).mean;
    expect(out[4099]).toBeCloseTo(0.5, 3);
    expect(out[4199]).toBeCloseTo(0.75, 3);
  });

  it('is independent of resolution', () => {
    const fine = Float32Array.from({ length: 4000 }, (_, i) => Math.floor(i / 10));
    const coarse = Float32Array.from({ length: 400 }, (_, i) => i);
    const a = smooth(rawPoints(indices(4000), fine), 200).mean;
    const b = smooth(
      rawPoints(
        Float64Array.from(coarse, (_, i) => i * 10),
        coarse,
      ),
      200,
    ).mean;
    expect(b[399]).toBeCloseTo(a[3999], 0);
  });

  it('is off at 0', () => {
    const points = rawPoints(indices(3), Float32Array.of(1, 5, 2));
    expect(smooth(points, 0)).toBe(points);
  });
});

describe('halfLives', () => {
  it('starts with off and ends within a quarter of the run', () => {
    expect(halfLives(100)).toEqual([0, 2, 4, 8, 16]);
    expect(halfLives(0)).toEqual([0, 2]);
  });
});
