import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawPoints, type Points } from '../../../src/renderer/charts/data/columns.ts';
import { clipEnds, decimate, emptyPixels, widen } from '../../../src/renderer/charts/data/decimate.ts';
import { extremes, finite, perhapsNaN } from './arbitraries.ts';

function pointsOf(values: readonly number[]) {
  return rawPoints(
    Float64Array.from(values, (_, i) => i),
    Float32Array.from(values),
  );
}

describe('decimate', () => {
  it('keeps every extreme of the view for any number of buckets', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 10, maxLength: 2000 }),
        fc.integer({ min: 1, max: 300 }),
        (v, buckets) => {
          const pixels = decimate(pointsOf(v), 0, v.length - 1, buckets, emptyPixels());
          const expected = extremes(Float32Array.from(v));
          expect(Math.min(...pixels.min.subarray(0, pixels.length))).toBe(expected.min);
          expect(Math.max(...pixels.max.subarray(0, pixels.length))).toBe(expected.max);
        },
      ),
    );
  });

  it('draws at most a few points per pixel', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 500 }), (n, buckets) => {
        const values = new Float32Array(n).fill(1);
        const points = rawPoints(
          Float64Array.from(values, (_, i) => i),
          values,
        );
        const { length } = decimate(points, 0, n - 1, buckets, emptyPixels());
        expect(length).toBeLessThanOrEqual(Math.max(2 * buckets, buckets + 3));
      }),
      { numRuns: 50 },
    );
  });

  it('has ascending x, min ≤ mean ≤ max, and NaN only where a whole bucket is unmeasured', () => {
    fc.assert(
      fc.property(
        fc.array(perhapsNaN, { minLength: 50, maxLength: 1500 }),
        fc.integer({ min: 5, max: 60 }),
        (v, buckets) => {
          const p = decimate(pointsOf(v), 0, v.length - 1, buckets, emptyPixels());
          for (let i = 1; i < p.length; i++) expect(p.x[i]).toBeGreaterThan(p.x[i - 1]);
          const measured = [...p.mean.subarray(0, p.length).keys()].filter((i) => !Number.isNaN(p.mean[i]));
          for (const i of measured) {
            expect(p.min[i]).toBeLessThanOrEqual(p.mean[i] + 1e-3);
            expect(p.mean[i]).toBeLessThanOrEqual(p.max[i] + 1e-3);
          }
        },
      ),
    );
  });

  it('keeps a bucket the same while the view is panned by whole buckets', () => {
    const values = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i) * i);
    const points = rawPoints(
      Float64Array.from(values, (_, i) => i),
      values,
    );
    const a = decimate(points, 1000, 5000, 100, emptyPixels());
    const b = decimate(points, 1400, 5400, 100, emptyPixels());
    const at = [...a.x.subarray(0, a.length)].indexOf(b.x[5]);
    expect(at).toBeGreaterThan(0);
    expect(a.max[at]).toBe(b.max[5]);
  });

  it('gives raw points back when there are few, with one beyond each edge', () => {
    const p = decimate(pointsOf([0, 1, 2, 3, 4, 5, 6, 7]), 3, 5, 100, emptyPixels());
    expect([...p.x.subarray(0, p.length)]).toEqual([2, 3, 4, 5]);
    expect(p.banded).toBe(false);
  });

  it('reuses its buffers', () => {
    const out = emptyPixels();
    decimate(pointsOf(Array.from({ length: 500 }, () => 1)), 0, 499, 100, out);
    const { x } = out;
    decimate(pointsOf([1, 2, 3]), 0, 2, 100, out);
    expect(out.x).toBe(x);
    expect(out.length).toBe(3);
  });
});

describe('clipEnds', () => {
  const FAR = 1e6;

  it('moves points far outside to just outside along their lines', () => {
    const view = {
      from: fc.double({ min: 10, max: 40, noNaN: true }),
      width: fc.double({ min: 0.1, max: 9, noNaN: true }),
    };
    fc.assert(
      fc.property(fc.record(view), fc.array(finite, { minLength: 4, maxLength: 4 }), ({ from, width }, v) => {
        const to = from + width;
        // Two points in view between two that lie a million steps away.
        const x = Float64Array.of(from - FAR, from + width / 3, from + width / 2, to + FAR);
        const p = decimate(rawPoints(x, Float32Array.from(v)), from, to, 100, emptyPixels());
        clipEnds(p, from, to, false);
        expect(p.length).toBe(4);
        for (const [end, inner] of [
          [0, 1],
          [3, 2],
        ]) {
          expect(Math.abs(p.x[end] - (end === 0 ? from : to))).toBeCloseTo(0.03 * width, 6);
          const slope = (v[inner] - v[end]) / (x[inner] - x[end]);
          expect(p.mean[end]).toBeCloseTo(v[inner] + slope * (p.x[end] - x[inner]), 2);
          expect(p.min[end]).toBe(p.mean[end]);
          expect(p.max[end]).toBe(p.mean[end]);
        }
        expect([...p.x.subarray(1, 3)]).toEqual([...x.subarray(1, 3)]);
      }),
    );
  });

  it('follows the line between logarithms on a log scale', () => {
    const points = rawPoints(Float64Array.of(0, 1000), Float32Array.of(1, 10_000));
    const p = clipped(points, 400, 500, true);
    expect([...p.x.subarray(0, 2)]).toEqual([397, 503]);
    expect(Math.log10(p.mean[0])).toBeCloseTo(4 * 0.397, 4);
    expect(Math.log10(p.mean[1])).toBeCloseTo(4 * 0.503, 4);
  });

  it('keeps gaps, ends in view and the input points unchanged', () => {
    const values = Float32Array.of(Number.NaN, 2, 3);
    const x = Float64Array.of(-FAR, 5, 6);
    const p = clipped(rawPoints(x, values), 4, 8, false);
    expect(p.mean[0]).toBeNaN();
    expect([...p.x.subarray(1, 3)]).toEqual([5, 6]);
    expect(x[0]).toBe(-FAR);
  });

  function clipped(points: Points, from: number, to: number, log: boolean) {
    const p = decimate(points, from, to, 100, emptyPixels());
    clipEnds(p, from, to, log);
    return p;
  }
});

describe('widen', () => {
  it('ignores gaps and values a log scale cannot show', () => {
    const p = decimate(pointsOf([Number.NaN, -5, 0, 3, 8]), 0, 4, 100, emptyPixels());
    const linear = { min: Infinity, max: -Infinity };
    widen(linear, p, false);
    expect(linear).toEqual({ min: -5, max: 8 });
    const log = { min: Infinity, max: -Infinity };
    widen(log, p, true);
    expect(log).toEqual({ min: 3, max: 8 });
  });
});
