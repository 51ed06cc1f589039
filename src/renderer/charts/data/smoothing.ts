/**
 * Exponential moving average with a half-life in x (steps), so that a curve looks the same at every resolution: a point
 * that stands for 50 steps moves it as 50 single steps of that value would. Debiased: the start is not pulled to 0.
 */
import { rawPoints, type Points } from './columns.ts';

/** The smoothed means; gaps (NaN) stay gaps. `halfLife` 0 gives `points` back. */
export function smooth(points: Points, halfLife: number): Points {
  if (!(halfLife > 0) || points.x.length === 0) return points;
  const { x, mean } = points;
  const n = x.length;
  const out = new Float32Array(n);
  let average = 0;
  let weight = 0;
  let lastSpan = 1;
  let decay = 2 ** (-1 / halfLife);
  for (let i = 0; i < n; i++) {
    const span = i + 1 < n ? x[i + 1] - x[i] : lastSpan;
    if (span !== lastSpan) {
      decay = 2 ** (-span / halfLife);
      lastSpan = span;
    }
    if (Number.isNaN(mean[i])) {
      out[i] = Number.NaN;
      continue;
    }
    average = decay * average + (1 - decay) * mean[i];
    weight = decay * weight + (1 - decay);
    out[i] = average / weight;
  }
  return rawPoints(x, out);
}

/** Half-lives a slider offers for a run of `extent` steps: off, then doubling up to a quarter of the run. */
export function halfLives(extent: number): number[] {
  const steps = [0];
  for (let h = 2; h <= Math.max(2, extent / 4) && steps.length < 24; h *= 2) steps.push(h);
  return steps;
}
