/** Columns for the chart tests. */
import * as fc from 'fast-check';

export const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });
export const perhapsNaN = fc.oneof(
  { weight: 12, arbitrary: finite },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);

export function extremes(values: Iterable<number>): { min: number; max: number; mean: number } {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const v of values) {
    if (Number.isNaN(v)) continue;
    min = Math.min(min, v);
    max = Math.max(max, v);
    sum += v;
    count += 1;
  }
  return { min, max, mean: sum / count };
}
