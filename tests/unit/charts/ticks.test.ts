import { describe, expect, it } from 'vitest';
import {
  decadesBetween,
  logTicks,
  niceIncrement,
  xFigure,
  xLabels,
  xReading,
  xTicks,
  yLabels,
} from '../../../src/renderer/charts/drawing/ticks.ts';

describe('decadesBetween', () => {
  it('gives the powers of ten inside the range, ends included', () => {
    expect(decadesBetween(0.000873, 12)).toEqual([1e-3, 1e-2, 0.1, 1, 10]);
    expect(decadesBetween(1e-3, 1)).toEqual([1e-3, 1e-2, 0.1, 1]);
    expect(decadesBetween(2, 9)).toEqual([]);
  });

  it('terminates for any range', () => {
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

describe('logTicks', () => {
  it('labels at least the decades of a short range and thins long ranges', () => {
    expect(logTicks(2, 9, 5)).toEqual([2, 5]);
    expect(logTicks(0.0009, 0.004, 5)).toEqual([0.001, 0.002]);
    expect(logTicks(0.0005, 20, 8)).toEqual([1e-3, 1e-2, 0.1, 1, 10]);
    expect(logTicks(1e-12, 1, 5)).toHaveLength(5);
  });
});

describe('xTicks', () => {
  it('places ticks on whole steps, far enough apart', () => {
    expect(xTicks(0, 10, 640, 64, { unit: 'step', stepsPerEpoch: 3 })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(xTicks(0, 1e6, 640, 64, { unit: 'step', stepsPerEpoch: 3 })).toHaveLength(11);
  });

  it('places ticks on whole epochs where space is short', () => {
    const ticks = xTicks(0, 7150, 640, 64, { unit: 'epoch', stepsPerEpoch: 715 });
    expect(ticks).toEqual([0, 715, 1430, 2145, 2860, 3575, 4290, 5005, 5720, 6435, 7150]);
    expect(xFigure(2145, { unit: 'epoch', stepsPerEpoch: 715 })).toBe('3.00');
  });
});

describe('xLabels', () => {
  const STEPS = { unit: 'step', stepsPerEpoch: 100 } as const;

  it('abbreviates where labels stay distinct, else is written in full', () => {
    expect(xLabels([0, 5000, 10_000, 15_000], STEPS)).toEqual(['0', '5000', '10k', '15k']);
    expect(xLabels([9999, 10_000, 10_001], STEPS)).toEqual(['9,999', '10,000', '10,001']);
    expect(xLabels([499_998, 499_999, 500_000], STEPS)).toEqual(['499,998', '499,999', '500,000']);
    expect(xLabels([150, 250], { ...STEPS, unit: 'epoch' })).toEqual(['1.5', '2.5']);
  });
});

describe('a time axis', () => {
  const TIME = { unit: 'time', stepsPerEpoch: 1 } as const;
  const labelled = (maxMs: number) => xLabels(xTicks(0, maxMs, 320, 64, TIME), TIME);

  it('is labelled in seconds, minutes or hours by its length', () => {
    expect(labelled(2500)).toEqual(['0 s', '0.5 s', '1 s', '1.5 s', '2 s', '2.5 s']);
    expect(labelled(600_000)).toEqual(['0 min', '2 min', '4 min', '6 min', '8 min', '10 min']);
    expect(labelled(36_000_000)).toEqual(['0 h', '2 h', '4 h', '6 h', '8 h', '10 h']);
  });

  it('is read to a hundredth of its unit', () => {
    expect(xReading(75_000, TIME)).toBe('time 75.00 s');
    expect(xReading(225_000, TIME)).toBe('time 3.75 min');
  });
});

describe('yLabels', () => {
  it('keeps close large values distinct', () => {
    expect(yLabels([10_000, 20_000], 10_000)).toEqual(['10k', '20k']);
    expect(yLabels([12_340, 12_342, 12_344], 2)).toEqual(['12,340', '12,342', '12,344']);
  });

  it('has the decimals the tick distance needs', () => {
    expect(yLabels([0, 0.25, 0.5], 0.25)).toEqual(['0.00', '0.25', '0.50']);
    expect(yLabels([-0.1, 0, 0.1], 0.1)).toEqual(['\u22120.1', '0.0', '0.1']);
    expect(yLabels([0, 1e-4, 2e-4], 1e-4)).toEqual(['0', '1e\u22124', '2e\u22124']);
  });
});

describe('niceIncrement', () => {
  it('is the next of 1, 2, 5', () => {
    expect([0.011, 0.2, 3, 51, 100].map(niceIncrement)).toEqual([0.02, 0.2, 5, 100, 100]);
  });
});
