/** The expected time of a recipe, from the speed of earlier runs. Times in ms, speeds in training rows per second. */
import { expect, test } from 'vitest';
import { expectTime } from '../../../src/main/runs/resources/expected-time.ts';

const RECIPE = { engine: 'auto', batchSize: 1024 } as const;
/** 10,000 training rows in 100 s, of which the epochs were a small part. */
const SPEED = { number: 1, engine: 'simd', batchSize: 1024, rowsPerSecond: 5000, fittedRowsPerSecond: 100 };

test('a fitted model takes the time of an earlier fit of as many rows, whatever its epochs', () => {
  const of = (epochs: number) => expectTime({ ...RECIPE, modelType: 'gram', epochs }, [SPEED], 10_000, 0).expectedMs;
  expect(of(12)).toEqual({ low: 100_000 / 1.15, high: 100_000 / 0.85 });
  expect(of(2)).toEqual(of(12));
});

test('a model trained by gradient steps takes its epochs at the speed of their rows', () => {
  const of = (epochs: number) => expectTime({ ...RECIPE, modelType: 'amn', epochs }, [SPEED], 10_000, 0).expectedMs;
  expect(of(1)).toEqual({ low: expect.closeTo(2000 / 1.15), high: expect.closeTo(2000 / 0.85) });
  expect(of(10)!.low).toBeCloseTo(10 * of(1)!.low);
});
