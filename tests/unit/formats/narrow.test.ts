/** float64 to float32. */
import { expect, test } from 'vitest';
import { elementPlace, toFloat32 } from '../../../src/main/formats/columns/narrow.ts';

const place = (i: number): string => elementPlace('x.h5: emb', 6 + i, 4);

test('what is not finite stays; a finite number that float32 cannot hold is refused with its place', () => {
  expect([...toFloat32(Float64Array.of(0.1, Infinity, NaN), place)]).toEqual([Math.fround(0.1), Infinity, NaN]);
  expect(() => toFloat32(Float64Array.of(1, Infinity, NaN, -1e39), place)).toThrow(
    'x.h5: emb: element [2, 1] is -1e+39, too large for float32.',
  );
});
