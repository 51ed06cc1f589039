/** A line as braille characters for a terminal. Pure. A character has 2 × 4 dots. */

/** Bit of the dot in column x and row y (from the top) of a character. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];
const BLANK = 0x2800;

export interface TextChart {
  /** From top to bottom. */
  readonly lines: readonly string[];
  readonly low: number;
  readonly high: number;
}

export interface ChartSize {
  /** In characters. */
  readonly width: number;
  readonly height: number;
}

interface Span {
  readonly low: number;
  readonly high: number;
}

/** The finite values from left to right over the whole width; null where there is none. */
export function textChart(values: ArrayLike<number | null>, { width, height }: ChartSize): TextChart | null {
  const finite = Array.from(values).filter((value): value is number => value !== null && Number.isFinite(value));
  if (finite.length === 0) return null;
  const { low, high } = spanOf(finite);
  const rows = 4 * height;
  const rowOf = (value: number) =>
    high === low ? rows >> 1 : Math.round(((high - value) / (high - low)) * (rows - 1));
  const cells = Array.from({ length: height }, () => Array.from({ length: width }, () => BLANK));
  let before: Span | null = null;
  for (let x = 0; x < 2 * width; x++) {
    const span = columnOf(finite, x, 2 * width);
    // A steep line has no gaps: a column begins where the one before it ended.
    const from = rowOf(Math.max(span.high, before?.low ?? span.high));
    const to = rowOf(Math.min(span.low, before?.high ?? span.low));
    for (let y = from; y <= to; y++) cells[y >> 2][x >> 1] |= DOTS[x & 1][y & 3];
    before = span;
  }
  return { lines: cells.map((line) => String.fromCharCode(...line)), low, high };
}

function spanOf(values: readonly number[]): Span {
  return { low: Math.min(...values), high: Math.max(...values) };
}

/** Column x of n: the values that fall into it, or a point on the line between two of them. */
function columnOf(values: readonly number[], x: number, n: number): Span {
  if (values.length > n) {
    const first = Math.floor((x * values.length) / n);
    return spanOf(values.slice(first, Math.max(first + 1, Math.floor(((x + 1) * values.length) / n))));
  }
  const at = n === 1 ? 0 : (x * (values.length - 1)) / (n - 1);
  const left = Math.floor(at);
  const right = Math.min(left + 1, values.length - 1);
  const value = values[left] + (values[right] - values[left]) * (at - left);
  return { low: value, high: value };
}
