/** Number formatting of the page. */
import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCompact,
  formatCosine,
  formatCount,
  formatDelta,
  formatDuration,
  formatDurationRange,
  formatFigure,
  formatInput,
  formatRate,
  formatShare,
  formatWhen,
  NOT_MEASURED,
  plural,
} from '../../../src/renderer/ui/text/format.ts';

describe('unmeasured values show a dash, never 0', () => {
  test.each([
    formatCount,
    formatCosine,
    formatDelta,
    formatShare,
    formatFigure,
    formatBytes,
    formatDuration,
    formatRate,
  ])('%o', (format) => {
    expect(format(null)).toBe(NOT_MEASURED);
    expect(format(Number.NaN)).toBe(NOT_MEASURED);
    expect(format(0)).not.toBe(NOT_MEASURED);
  });
});

test('cosines have four digits and a true minus sign; a rounded zero has none', () => {
  expect(formatCosine(0.46066)).toBe('0.4607');
  expect(formatCosine(-0.0118)).toBe('−0.0118');
  expect(formatCosine(-0.00001)).toBe('0.0000');
});

test('deltas have a sign', () => {
  expect(formatDelta(0.0207)).toBe('+0.0207');
  expect(formatDelta(-0.0118)).toBe('−0.0118');
  expect(formatDelta(-0.00004)).toBe('±0.0000');
});

test.each([
  [400, '0.4 s'],
  [38_000, '38 s'],
  [102_000, '1.7 min'],
  [26 * 60_000, '26 min'],
  [64 * 60_000, '1 h 04 min'],
  [(59 * 60 + 40) * 1000, '1 h 00 min'],
  [51 * 3_600_000, '2 d 3 h'],
])('%i ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [24 * 60_000, 31 * 60_000, '24–31 min'],
  [52_000, 68_000, '52–68 s'],
  [78_000, 102_000, '1.3–1.7 min'],
  [50 * 60_000, 70 * 60_000, '50 min – 1 h 10 min'],
  [26 * 60_000, 26 * 60_000, '26 min'],
])('%i to %i ms is %s', (low, high, text) => {
  expect(formatDurationRange(low, high)).toBe(text);
});

test.each([
  [548, '548 bytes'],
  [61_988, '62.0 kB'],
  [45_903_908, '45.9 MB'],
  [13.4e9, '13.4 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('formats counts, rates, shares and compact numbers', () => {
  expect(formatCount(726_014)).toBe('726,014');
  expect(formatRate(8012.4)).toBe('8,012 rows/s');
  expect(formatShare(0.3821)).toBe('38.2\u202f%');
  expect(formatCompact(1_510_912)).toBe('1.51\u202fM');
  expect(plural(1, 'run')).toBe('1 run');
  expect(plural(8012, 'window')).toBe('8,012 windows');
});

test('figures keep a few significant digits at any size', () => {
  expect(formatFigure(0.0360832, 5)).toBe('0.036083');
  expect(formatFigure(6.931471)).toBe('6.931');
  expect(formatFigure(0.0000123)).toBe('1.23e-5');
  expect(formatFigure(-31_415.9)).toBe('−31,416');
});

test('recipe values are formatted as typed', () => {
  expect(formatInput(5e-4)).toBe('5e-4');
  expect(formatInput(0.07)).toBe('0.07');
  expect(formatInput(32)).toBe('32');
  expect(formatInput(null)).toBe('');
  expect(Number(formatInput(0.00125))).toBe(0.00125);
});

test('times are relative to today', () => {
  const now = new Date(2026, 10, 22, 21, 0).getTime();
  expect(formatWhen(new Date(2026, 10, 22, 9, 5).getTime(), now)).toBe('09:05');
  expect(formatWhen(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe('Yesterday 09:05');
  expect(formatWhen(new Date(2026, 9, 3, 9, 5).getTime(), now)).toBe('3 Oct 09:05');
  expect(formatWhen(new Date(2025, 9, 3, 9, 5).getTime(), now)).toBe('3 Oct 2025');
});
