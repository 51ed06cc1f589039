/** Intervals of the bootstrap over articles: their properties, and their coverage on simulated sets. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrap, groupWindows, sumByGroup } from '#engine/evaluation/bootstrap.ts';
import { Random } from '#engine/random.ts';
import { holdsZero, signedInterval, withInterval, type Interval } from '#shared/domain/evaluation/interval.ts';
import { coverage, simulatedSums, type CoverageCase } from '../support/coverage.ts';

const DRAWS = 1000;
const groups = fc
  .array(fc.record({ windows: fc.integer({ min: 1, max: 40 }), mean: fc.double({ min: -1, max: 1, noNaN: true }) }), {
    minLength: 5,
    maxLength: 60,
  })
  .map((rows) => ({
    windows: Float64Array.from(rows, (row) => row.windows),
    sums: Float64Array.from(rows, (row) => row.windows * row.mean),
  }));

function sumOf(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

describe('bootstrap over articles', () => {
  test('an interval lies within the range of the article means', () => {
    fc.assert(
      fc.property(groups, ({ windows, sums }) => {
        const { low, high } = bootstrap(windows, [sums], 1, DRAWS).mean(0) as Interval;
        const means = sums.map((sum, g) => sum / windows[g]);
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(Math.min(...means) - 1e-12);
        expect(high).toBeLessThanOrEqual(Math.max(...means) + 1e-12);
      }),
    );
  });

  test('adding a constant to every window shifts the interval and leaves differences unchanged', () => {
    fc.assert(
      fc.property(groups, fc.double({ min: -1, max: 1, noNaN: true }), ({ windows, sums }, shift) => {
        const moved = sums.map((sum, g) => sum + shift * windows[g]);
        const drawn = bootstrap(windows, [sums, moved], 2, DRAWS);
        const [plain, shifted] = [drawn.mean(0), drawn.mean(1)] as Interval[];
        expect(shifted.low).toBeCloseTo(plain.low + shift, 10);
        expect(shifted.high).toBeCloseTo(plain.high + shift, 10);
        const { low, high } = drawn.difference(1, 0) as Interval;
        expect(low).toBeCloseTo(shift, 10);
        expect(high).toBeCloseTo(shift, 10);
      }),
    );
  });

  test('many equal articles give the mean ± 1.96 standard errors', () => {
    const random = new Random(3);
    const G = 2000;
    const windows = new Float64Array(G).fill(10);
    const sums = windows.map((n) => n * (0.5 + 0.1 * random.normal()));
    const mean = sumOf(sums) / sumOf(windows);
    const error = Math.sqrt(sumOf(sums.map((sum) => (sum / 10 - mean) ** 2))) / G;
    const { low, high } = bootstrap(windows, [sums], 5).mean(0) as Interval;
    expect((mean - low) / error).toBeCloseTo(1.96, 1);
    expect((high - mean) / error).toBeCloseTo(1.96, 1);
  });

  test('paired: the interval of a difference is much narrower than that of either mean', () => {
    const { windows, model, baseline } = simulatedSums(
      { articles: 100, sizeSpread: 0.5, effects: 'normal' },
      new Random(4),
    );
    const drawn = bootstrap(windows, [model, baseline], 1, DRAWS);
    const width = ({ low, high }: Interval) => high - low;
    expect(width(drawn.difference(0, 1) as Interval)).toBeLessThan(0.5 * width(drawn.mean(0) as Interval));
  });

  test('the same seed gives the same bits, another seed other draws', () => {
    const { windows, model } = simulatedSums({ articles: 30, sizeSpread: 1, effects: 'normal' }, new Random(5));
    const of = (seed: number) => bootstrap(windows, [model], seed, DRAWS).mean(0);
    expect(of(7)).toStrictEqual(of(7));
    expect(of(7)).not.toStrictEqual(of(8));
  });

  test('fewer than five articles, or a sum that is not finite: not measured', () => {
    expect(bootstrap(Float64Array.of(1, 2, 3, 4), [Float64Array.of(1, 1, 1, 1)], 1).mean(0)).toBeNull();
    const windows = new Float64Array(6).fill(2);
    const drawn = bootstrap(windows, [windows.map(() => 1), Float64Array.of(1, 1, 1, 1, 1, NaN)], 1, DRAWS);
    expect(drawn.mean(0)).toEqual({ low: 0.5, high: 0.5 });
    expect(drawn.mean(1)).toBeNull();
    expect(drawn.difference(0, 1)).toBeNull();
  });
});

describe('groups of windows', () => {
  test('articles in order of first appearance; sums and counts match a direct count', () => {
    const groupsOf = groupWindows(Uint32Array.of(4, 0, 3, 1), 2, [7, 9, 0, 7, 9]);
    expect(groupsOf).toEqual({
      unit: 'articles',
      of: Uint32Array.of(0, 1, 1, 0),
      windows: Float64Array.of(2, 2),
    });
    expect(Array.from(sumByGroup([1, 10, 100, 1000], groupsOf))).toEqual([1001, 110]);
  });

  test('without articles, blocks of consecutive windows no shorter than a window and its target', () => {
    const large = groupWindows(
      Uint32Array.from({ length: 10_000 }, (_, i) => i),
      5,
    );
    expect(large.unit).toBe('blocks');
    expect(large.windows.every((n) => n === 50)).toBe(true);
    expect(
      groupWindows(
        Uint32Array.from({ length: 60 }, (_, i) => i),
        5,
      ).windows,
    ).toHaveLength(10);
  });

  test('windows of a random split fall into the block of their neighbours', () => {
    const ids = Uint32Array.from({ length: 3000 }, (_, i) => 3 * i);
    const { of } = groupWindows(ids, 5);
    ids.forEach((id, row) => expect(of[row]).toBe(Math.floor(id / 50)));
  });
});

describe('coverage of 95 % intervals, 1,000 simulated sets each', () => {
  test.each<CoverageCase>([
    { articles: 8, sizeSpread: 1, effects: 'normal' },
    { articles: 20, sizeSpread: 1, effects: 'normal' },
    { articles: 20, sizeSpread: 1, effects: 'skewed' },
    { articles: 60, sizeSpread: 1, effects: 'normal' },
    { articles: 60, sizeSpread: 0.5, effects: 'skewed' },
  ])('$articles articles, $effects effects, σ of log size $sizeSpread', (of) => {
    const held = coverage(of, 1000, 500, 11);
    for (const share of [held.cosine, held.lift]) {
      expect(share).toBeGreaterThanOrEqual(0.93);
      expect(share).toBeLessThanOrEqual(0.97);
    }
  });

  test('two models that are equally good are called different in at most 7 % of the sets', () => {
    const random = new Random(12);
    let alarms = 0;
    for (let set = 0; set < 1000; set++) {
      const { windows, model, baseline } = simulatedSums({ articles: 40, sizeSpread: 1, effects: 'normal' }, random, 0);
      if (!holdsZero(bootstrap(windows, [model, baseline], set, 500).difference(0, 1) as Interval)) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(70);
  });
});

test('an interval is written behind its figure', () => {
  expect(withInterval(0.5512, { low: 0.5431, high: 0.559 })).toBe('0.5512 [0.5431, 0.5590]');
  expect(signedInterval(0.0012, { low: -0.0031, high: 0.0055 })).toBe('+0.0012 [−0.0031, +0.0055]');
  expect(withInterval(0.5512, null)).toBe('0.5512');
  expect(withInterval(null, { low: 0, high: 1 })).toBe('not measured');
});
