/** Joining the columns of a range of steps from several answers. */
import { expect, test } from 'vitest';
import type { Series } from '../../../src/shared/contract/runs.ts';
import { joinColumns } from '../../../src/renderer/features/run/curves/join-columns.ts';

function part(column: string, steps: readonly number[], values: readonly number[], stepsPerPoint = 2): Series {
  const columns = (add: number) => ({ [column]: Float32Array.from(values, (value) => value + add) });
  return { stepsPerPoint, step: Float64Array.from(steps), min: columns(-1), max: columns(1), mean: columns(0) };
}

test('contains all columns', () => {
  const joined = joinColumns([part('total', [1, 3, 5], [1, 2, 3]), part('lr', [1, 3, 5], [4, 5, 6])]);
  expect(joined).toEqual({
    stepsPerPoint: 2,
    step: Float64Array.of(1, 3, 5),
    min: { total: Float32Array.of(0, 1, 2), lr: Float32Array.of(3, 4, 5) },
    max: { total: Float32Array.of(2, 3, 4), lr: Float32Array.of(5, 6, 7) },
    mean: { total: Float32Array.of(1, 2, 3), lr: Float32Array.of(4, 5, 6) },
  });
});

test('drops steps the run added between the answers', () => {
  const joined = joinColumns([part('total', [1, 3], [1, 2]), part('lr', [1, 3, 5], [4, 5, 6])]);
  expect([...(joined?.step ?? [])]).toEqual([1, 3]);
  expect([...(joined?.mean.lr ?? [])]).toEqual([4, 5]);
  expect(joined?.max.lr).toHaveLength(2);
});

test('does not join answers of different resolution or origin', () => {
  const first = part('total', [1, 3], [1, 2]);
  expect(joinColumns([first, part('lr', [1, 5], [4, 5], 4)])).toBeNull();
  expect(joinColumns([first, part('lr', [3, 5], [4, 5])])).toBeNull();
});

test('joining empty columns gives an empty column', () => {
  expect(joinColumns([part('total', [], []), part('lr', [], [])])?.step).toHaveLength(0);
});
