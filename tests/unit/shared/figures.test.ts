import { expect, test } from 'vitest';
import { percent } from '#shared/domain/figures.ts';

test.each([
  [-0.0001, 0, '0 %'],
  [-0.0001, 2, '−0.01 %'],
  [-0.25, 0, '−25 %'],
  [null, 0, 'not measured'],
])('a share of %f with %i decimals reads "%s"', (share, decimals, text) => {
  expect(percent(share, decimals)).toBe(text);
});
