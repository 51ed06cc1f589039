import { expect, test } from 'vitest';
import { count, listed, percent } from '#shared/domain/figures.ts';

test.each([
  [-0.0001, 0, '0 %'],
  [-0.0001, 2, '−0.01 %'],
  [-0.25, 0, '−25 %'],
  [null, 0, 'not measured'],
])('a share of %f with %i decimals reads "%s"', (share, decimals, text) => {
  expect(percent(share, decimals)).toBe(text);
});

test.each([
  [0, '0'],
  [999.6, '1,000'],
  [1234567, '1,234,567'],
  [-123456, '-123,456'],
  [null, 'not measured'],
])('a count of %f reads "%s"', (value, text) => {
  expect(count(value)).toBe(text);
});

test.each([
  [[], ''],
  [['AMN'], 'AMN'],
  [['AMN', 'LSTM'], 'AMN and LSTM'],
  [['AMN', 'LSTM', 'GRU stack'], 'AMN, LSTM and GRU stack'],
])('the names %j are listed as "%s"', (names, text) => {
  expect(listed(names)).toBe(text);
});
