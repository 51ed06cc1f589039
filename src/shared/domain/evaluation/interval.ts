/**
 * A 95 % interval of a mean cosine or of a difference of two, and how both are written. Intervals say how far the figure
 * would move on other articles of the same kind; they do not hold the spread over training seeds.
 */
import { z } from 'zod';
import { figure, signed } from '../figures.ts';

export const IntervalSchema = z.object({ low: z.number(), high: z.number() });
export type Interval = z.infer<typeof IntervalSchema>;

const float64Array = z.custom<Float64Array>((value) => value instanceof Float64Array, 'a Float64Array');

/** Cosines summed over the articles (or blocks of windows) of a split: all that intervals are made from. */
export const GroupSumsSchema = z.object({
  unit: z.enum(['articles', 'blocks']),
  /** Windows of each group. [G] */
  windows: float64Array,
  /** Sum of the cosines of each predictor: `model`, or a baseline by name. [G] */
  sums: z.record(z.string(), float64Array),
});
export type GroupSums = z.infer<typeof GroupSumsSchema>;

/** Of a run's validation windows and of its OOD set. */
export const CosineSumsSchema = z.object({ validation: GroupSumsSchema, ood: GroupSumsSchema.nullable() });
export type CosineSums = z.infer<typeof CosineSumsSchema>;

type Show = typeof figure;

/** `[0.5431, 0.5590]`; empty where it was not measured. */
export function intervalText(interval: Interval | null | undefined, show: Show = figure): string {
  return interval ? `[${show(interval.low)}, ${show(interval.high)}]` : '';
}

/** `0.5512 [0.5431, 0.5590]`; without an interval the figure alone. */
export function withInterval(
  value: number | null | undefined,
  interval: Interval | null | undefined,
  show: Show = figure,
): string {
  if (value === null || value === undefined) return show(value);
  return `${show(value)} ${intervalText(interval, show)}`.trimEnd();
}

/** `+0.0123 [+0.0045, +0.0200]` */
export function signedInterval(value: number | null | undefined, interval: Interval | null | undefined): string {
  return withInterval(value, interval, signed);
}

/** The interval of a difference holds 0: the two are not distinguishable on these windows. */
export function holdsZero({ low, high }: Interval): boolean {
  return low <= 0 && high >= 0;
}

/** `holdsZero`, or false where the interval was not measured. */
export function isUnclear(interval: Interval | null | undefined): boolean {
  return Boolean(interval && holdsZero(interval));
}
