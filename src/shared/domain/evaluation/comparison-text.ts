/** Figures of compared runs as a person reads them: counts whole, durations in minutes, lifts with their sign. */
import { deltaText } from './compare-runs.ts';
import type { RunComparison } from './comparison.ts';
import { intervalText, withInterval, type Interval } from './interval.ts';
import { NOT_MEASURED, count, duration, figure, signed } from '../figures.ts';

type MetricRow = RunComparison['metrics'][number];

const COUNTS = new Set(['bestEpoch', 'epochs', 'trainRows', 'parameters', 'rowsPerSecond']);

export function metricText(metric: string, value: number | null, interval: Interval | null | undefined): string {
  if (value === null) return NOT_MEASURED;
  if (metric === 'durationMs') return duration(value);
  if (COUNTS.has(metric)) return count(value);
  return withInterval(value, interval, metric.endsWith('Lift') ? signed : figure);
}

/** Change of run `i` against the first; empty where either value was not measured. */
export function changeText({ metric, deltas, percents, intervals }: MetricRow, i: number): string {
  const delta = deltas[i];
  if (delta === null || delta === 0) return '';
  if (metric === 'durationMs' || metric === 'rowsPerSecond')
    return percents[i] === null ? '' : `${signed(percents[i], 0)} %`;
  if (COUNTS.has(metric)) return `${delta > 0 ? '+' : '−'}${count(Math.abs(delta))}`;
  return `${deltaText(delta, metric.endsWith('Lift') ? null : percents[i])} ${intervalText(intervals[i], signed)}`.trimEnd();
}
