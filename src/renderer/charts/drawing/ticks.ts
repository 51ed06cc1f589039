/**
 * Ticks and labels of the axes. x is in steps; an epoch axis shows the same x divided by the steps per epoch. On a time
 * axis x is in milliseconds.
 */
import { formatCompact, formatFigure } from '../../ui/text/format.ts';

export const X_UNITS = ['step', 'epoch', 'time'] as const;
export type XUnit = (typeof X_UNITS)[number];

export interface XAxisMode {
  readonly unit: XUnit;
  readonly stepsPerEpoch: number;
}

interface TimeUnit {
  readonly ms: number;
  readonly name: string;
}

/** Unit of times up to `maxMs`: seconds to two minutes, minutes to two hours, then hours. */
function timeUnit(maxMs: number): TimeUnit {
  if (maxMs <= 120_000) return { ms: 1000, name: 's' };
  return maxMs <= 7_200_000 ? { ms: 60_000, name: 'min' } : { ms: 3_600_000, name: 'h' };
}

/** x per unit of the labels, on an axis that ends at `max`. */
function xPerUnit(max: number, { unit, stepsPerEpoch }: XAxisMode): number {
  if (unit === 'time') return timeUnit(max).ms;
  return unit === 'epoch' ? stepsPerEpoch : 1;
}

const NICE = [1, 2, 5];

/** Smallest of 1, 2, 5 · 10^k that is at least `least`. */
export function niceIncrement(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return (NICE.find((n) => n * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** Positions from `min` to `max` on x, at least `spacePx` apart. */
export function xTicks(min: number, max: number, widthPx: number, spacePx: number, mode: XAxisMode): number[] {
  const unit = xPerUnit(max, mode);
  const least = ((max - min) / unit / Math.max(widthPx, 1)) * spacePx;
  const increment = mode.unit === 'step' ? Math.max(1, niceIncrement(least)) : niceIncrement(least);
  const ticks: number[] = [];
  for (let k = Math.ceil(min / unit / increment - 1e-9) + 0; k * increment * unit <= max + 1e-9; k++) {
    ticks.push(k * increment * unit);
  }
  return ticks;
}

export function xLabels(ticks: readonly number[], mode: XAxisMode): string[] {
  if (mode.unit === 'time') {
    const { ms, name } = timeUnit(ticks.at(-1) ?? 0);
    return ticks.map((x) => `${formatFigure(x / ms, 5)} ${name}`);
  }
  if (mode.unit === 'epoch') return ticks.map((x) => formatFigure(x / mode.stepsPerEpoch, 5));
  return largeLabels(ticks, (x) => (x < 10_000 ? String(Math.round(x)) : formatCompact(x).replace(/\s/, '')));
}

/** Compact labels, or whole numbers where compact ones are the same: 499,998 and 499,999 are both 500k. */
function largeLabels(ticks: readonly number[], short: (value: number) => string): string[] {
  const labels = ticks.map(short);
  if (new Set(labels).size === labels.length) return labels;
  return ticks.map((value) => Math.round(value).toLocaleString('en-US').replace('-', '\u2212'));
}

/** An x for a table or a sentence: "4,312", "3.02" or "1.25 min". */
export function xFigure(x: number, mode: XAxisMode): string {
  if (mode.unit === 'step') return Math.max(0, Math.round(x)).toLocaleString('en-US');
  if (mode.unit === 'epoch') return (x / mode.stepsPerEpoch).toFixed(2);
  const { ms, name } = timeUnit(x);
  return `${(x / ms).toFixed(2)} ${name}`;
}

/** The x at the cursor: "step 4,312", "epoch 3.02" or "time 1.25 min". */
export function xReading(x: number, mode: XAxisMode): string {
  return `${mode.unit} ${xFigure(x, mode)}`;
}

/** Decimals that write `increment` exactly, at most 6. */
function digitsOf(increment: number): number {
  let digits = 0;
  while (digits < 6 && Math.abs(increment * 10 ** digits - Math.round(increment * 10 ** digits)) > 1e-6) digits += 1;
  return digits;
}

/** Labels of linear y ticks, with as many digits as their distance needs. */
export function yLabels(ticks: readonly number[], increment: number): string[] {
  const digits = digitsOf(increment);
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 10_000) return largeLabels(ticks, (v) => formatCompact(v).replace(/\s/, ''));
  return ticks.map((v) => {
    if (largest > 0 && largest < 1e-2)
      return v === 0 ? '0' : v.toExponential(1).replace('.0', '').replaceAll('-', '\u2212');
    return v.toFixed(digits).replace('-', '\u2212');
  });
}

/** 0.01, 20, 5e−6 */
export function logLabel(value: number): string {
  if (value >= 1e-3 && value <= 1e4) return formatFigure(value);
  return value.toExponential(0).replace('+', '').replace('-', '\u2212');
}

/**
 * The powers of ten from `min` to `max`. uPlot's own log splits loop forever on a range that does not start at a power
 * of ten.
 */
export function decadesBetween(min: number, max: number): number[] {
  if (!(min > 0) || !(max < Infinity)) return [];
  const first = Math.ceil(Math.log10(min) - 1e-9);
  const last = Math.floor(Math.log10(max) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(`1e${first + i}`));
}

/** Ticks of a log axis: powers of ten, thinned to about `most`; 1, 2 and 5 of each where there are fewer than two. */
export function logTicks(min: number, max: number, most: number): number[] {
  const decades = decadesBetween(min, max);
  if (decades.length >= 2) {
    const every = Math.ceil(decades.length / Math.max(2, most));
    return decades.filter((_, i) => i % every === 0);
  }
  const around = decadesBetween(min / 10, max * 10);
  return around
    .flatMap((decade) => NICE.map((n) => Number((n * decade).toPrecision(1))))
    .filter((v) => v >= min && v <= max);
}
