import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeriesBuffer } from '../../../src/renderer/charts/data/series-buffer.ts';
import { extremes, perhapsNaN } from './arbitraries.ts';

const CAPACITY = 32;

/** Raw steps 1.. in blocks of the given sizes. */
function fill(buffer: SeriesBuffer, values: Float32Array, blockSizes: readonly number[]): void {
  let at = 0;
  for (let b = 0; at < values.length; b++) {
    const count = Math.min(values.length - at, blockSizes[b % blockSizes.length]);
    buffer.append(at + 1, count, { a: values.subarray(at, at + count) });
    at += count;
  }
}

describe('SeriesBuffer', () => {
  it('stays within capacity and holds every step once for any block sizes', () => {
    fc.assert(
      fc.property(
        fc.array(perhapsNaN, { minLength: 1, maxLength: 1500 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        // The larger one grows before it reduces.
        fc.constantFrom(CAPACITY, 600),
        (list, blocks, capacity) => {
          const values = Float32Array.from(list);
          const buffer = new SeriesBuffer(['a'], capacity);
          fill(buffer, values, blocks);
          expect(buffer.length).toBeLessThanOrEqual(capacity);
          expect(buffer.firstStep).toBe(1);
          expect(buffer.lastStep).toBe(values.length);
          const { x, min, max, mean } = buffer.points('a');
          for (let i = 0; i < x.length; i++) {
            const end = i + 1 < x.length ? x[i + 1] : values.length + 1;
            const expected = extremes(values.subarray(x[i] - 1, end - 1));
            expect(end - x[i]).toBeLessThanOrEqual(buffer.stepsPerPoint);
            const unmeasured = Number.isNaN(expected.mean);
            expect(Number.isNaN(mean[i])).toBe(unmeasured);
            expect(min[i]).toBe(unmeasured ? Number.NaN : expected.min);
            expect(max[i]).toBe(unmeasured ? Number.NaN : expected.max);
          }
        },
      ),
    );
  });

  it('each point is the mean of its steps', () => {
    const values = Float32Array.from({ length: 500 }, (_, i) => Math.cos(i / 7) * 3);
    const buffer = new SeriesBuffer(['a'], CAPACITY);
    fill(buffer, values, [7]);
    const { x, mean } = buffer.points('a');
    for (let i = 0; i + 1 < x.length; i++) {
      expect(mean[i]).toBeCloseTo(extremes(values.subarray(x[i] - 1, x[i + 1] - 1)).mean, 4);
    }
  });

  it('skips steps it already holds', () => {
    const buffer = new SeriesBuffer(['a'], CAPACITY);
    buffer.append(1, 5, { a: Float32Array.of(1, 2, 3, 4, 5) });
    expect(buffer.append(4, 4, { a: Float32Array.of(40, 50, 6, 7) })).toBe(2);
    expect([...buffer.points('a').mean]).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(buffer.append(1, 3, { a: Float32Array.of(9, 9, 9) })).toBe(0);
  });

  it('continues a reduced series without coarsening it before the new steps are as coarse', () => {
    const buffer = new SeriesBuffer(['a'], CAPACITY);
    const column = { a: Float32Array.from({ length: 10 }, (_, i) => i) };
    const step = Float64Array.from({ length: 10 }, (_, i) => 1 + i * 100);
    buffer.seed({ stepsPerPoint: 100, step, min: column, max: column, mean: column }, 950);
    expect(buffer.lastStep).toBe(950);
    buffer.append(951, 5, { a: Float32Array.of(1, 2, 3, 4, 5) });
    expect([...buffer.points('a').x.subarray(10)]).toEqual([951, 952, 953, 954, 955]);
    buffer.append(956, 95, { a: new Float32Array(95).fill(42) });
    expect(buffer.lastStep).toBe(1050);
    expect([...buffer.points('a').x.subarray(0, 10)]).toEqual([...step]);
    const { max } = buffer.points('a');
    expect(max[max.length - 1]).toBe(42);
  });

  it('keeps raw values in one array until it merges', () => {
    const buffer = new SeriesBuffer(['a'], CAPACITY);
    buffer.append(1, 3, { a: Float32Array.of(1, 2, 3) });
    const points = buffer.points('a');
    expect(points.min).toBe(points.mean);
    expect(() => buffer.points('b')).toThrow('No column "b"');
  });
});
