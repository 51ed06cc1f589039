import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  columnPoints,
  lastValue,
  lowerBound,
  bandedFrom,
  isRaw,
  pointsFrom,
  rawPoints,
  splice,
  valueNear,
} from '../../../src/renderer/charts/data/columns.ts';

const ascending = fc.uniqueArray(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 200 }).map((a) => {
  return Float64Array.from(a).toSorted();
});

describe('columnPoints', () => {
  const step = Float64Array.of(1, 2);
  const mean = { total: Float32Array.of(3, 4) };

  it('gives the minima and maxima of a reduced series', () => {
    const bounds = { min: { total: Float32Array.of(2, 2) }, max: { total: Float32Array.of(5, 6) } };
    const points = columnPoints({ stepsPerPoint: 8, step, mean, ...bounds }, 'total');
    expect(points).toEqual({ x: step, mean: mean.total, min: bounds.min.total, max: bounds.max.total });
  });

  it('takes raw values for their own minima and maxima', () => {
    const points = columnPoints({ stepsPerPoint: 1, step, mean, min: {}, max: {} }, 'total');
    expect([points.min, points.max]).toEqual([mean.total, mean.total]);
    expect(isRaw(points)).toBe(true);
  });

  it('has no points of a column that the series lacks', () => {
    expect(columnPoints({ stepsPerPoint: 1, step, mean, min: {}, max: {} }, 'lr').x).toHaveLength(0);
  });
});

describe('lowerBound', () => {
  it('is the number of entries below the value', () => {
    fc.assert(
      fc.property(ascending, fc.integer({ min: -10, max: 5010 }), (x, v) => {
        expect(lowerBound(x, v)).toBe(x.filter((e) => e < v).length);
      }),
    );
  });
});

describe('valueNear', () => {
  it('finds the nearest point', () => {
    fc.assert(
      fc.property(ascending, fc.integer({ min: -10, max: 5010 }), (x, at) => {
        const found = valueNear(rawPoints(x, Float32Array.from(x)), at);
        expect(Math.abs((found?.x ?? NaN) - at)).toBe(Math.min(...x.map((e) => Math.abs(e - at))));
        expect(found?.y).toBe(found?.x);
      }),
    );
  });

  it('returns null for an unmeasured point or no points', () => {
    expect(
      valueNear(
        pointsFrom(
          [1, 2],
          (v) => v,
          (v) => (v === 2 ? null : v),
        ),
        2,
      ),
    ).toBeNull();
    expect(valueNear(rawPoints(new Float64Array(0), new Float32Array(0)), 2)).toBeNull();
  });
});

describe('lastValue', () => {
  it('skips unmeasured values', () => {
    expect(lastValue(rawPoints(new Float64Array(3), Float32Array.of(1, 2, Number.NaN)))).toBe(2);
    expect(lastValue(rawPoints(new Float64Array(1), Float32Array.of(Number.NaN)))).toBeNull();
  });
});

describe('splice', () => {
  it('keeps x ascending and replaces coarse points by fine ones', () => {
    fc.assert(
      fc.property(ascending, fc.nat(2500), fc.nat(2500), (x, from, length) => {
        const to = from + length;
        const coarse = rawPoints(x, new Float32Array(x.length).fill(1));
        const fineX = Float64Array.from({ length: Math.min(50, length + 1) }, (_, i) => from + i);
        const out = splice(coarse, rawPoints(fineX, new Float32Array(fineX.length).fill(2)), from, to);
        for (let i = 1; i < out.x.length; i++) expect(out.x[i]).toBeGreaterThan(out.x[i - 1]);
        expect(out.mean.filter((v) => v === 2).length).toBe(fineX.length);
        expect(out.x.length).toBe(fineX.length + x.filter((e) => e < from || e > to).length);
      }),
    );
  });
});

describe('points with a band', () => {
  interface Epoch {
    readonly step: number;
    readonly value: number | null;
    readonly interval: { readonly low: number; readonly high: number } | null;
  }
  const x = (e: Epoch) => e.step;
  const y = (e: Epoch) => e.value;
  const band = (e: Epoch) => e.interval;
  const measured: Epoch = { step: 1, value: 0.5, interval: { low: 0.25, high: 0.75 } };

  it('hold its edges, and a gap where nothing was measured', () => {
    const points = bandedFrom([measured, { step: 2, value: null, interval: null }], x, y, band);
    expect([...points.min]).toEqual([0.25, Number.NaN]);
    expect([...points.max]).toEqual([0.75, Number.NaN]);
  });

  it('are raw where a measured point has no band', () => {
    expect(isRaw(bandedFrom([measured, { step: 2, value: 0.5, interval: null }], x, y, band))).toBe(true);
  });
});
