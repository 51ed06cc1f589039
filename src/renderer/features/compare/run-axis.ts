/**
 * Where the steps of a run lie on the x axis that compared runs share: by step, by epoch, or by elapsed training time
 * (evaluation included, pauses left out). Pure.
 */
import type { RunDetail } from '#shared/contract/runs.ts';
import { lowerBound } from '../../charts/data/columns.ts';
import type { XAxisMode } from '../../charts/drawing/ticks.ts';
import { stepsPerEpoch } from '../../parts/run-words.ts';
import { endOf } from '../../parts/stated-curves.ts';
import { isFitted } from '../../stores/model-fields.ts';

export interface RunAxis {
  /** x of a step. */
  readonly toX: (step: number) => number;
  readonly toStep: (x: number) => number;
}

/** null: no time was recorded for the run, so it has no place on a time axis. */
export function runAxis(detail: RunDetail, mode: XAxisMode): RunAxis | null {
  if (mode.unit === 'time') return timeAxis(detail);
  const stepsPerX = mode.unit === 'epoch' ? stepsPerEpoch(detail.run) / mode.stepsPerEpoch : 1;
  return { toX: (step) => step / stepsPerX, toStep: (x) => x * stepsPerX };
}

/** Steps with their elapsed ms, both ascending from 0. [n] */
interface Clock {
  readonly steps: Float64Array;
  readonly ms: Float64Array;
}

/** x in ms. The steps between two recorded times count as equally long. */
function timeAxis(detail: RunDetail): RunAxis | null {
  const { steps, ms } = clockOf(detail);
  if (steps.length < 2) return null;
  return { toX: (step) => interpolate(steps, ms, step), toStep: (x) => interpolate(ms, steps, x) };
}

function clockOf({ run, epochs }: RunDetail): Clock {
  const steps = [0];
  const ms = [0];
  function add(step: number, elapsedMs: number): void {
    if (step <= steps[steps.length - 1] || elapsedMs <= ms[ms.length - 1]) return;
    steps.push(step);
    ms.push(elapsedMs);
  }
  let elapsedMs = 0;
  // With one duration unknown, all later times would be too early.
  const timed = epochs.some(({ durationMs }) => durationMs === null) ? [] : epochs;
  for (const { epoch, step, durationMs } of timed) {
    // An epoch of a Gram mixture records the mean over all epochs so far, the fit before them included.
    elapsedMs = isFitted(run.recipe.modelType) ? epoch * (durationMs ?? 0) : elapsedMs + (durationMs ?? 0);
    add(endOf({ epoch, step }), elapsedMs);
  }
  add(run.step, run.durationMs);
  return { steps: Float64Array.from(steps), ms: Float64Array.from(ms) };
}

/** Piecewise linear through (`from`, `to`), and on beyond the last point as between the last two. */
function interpolate(from: Float64Array, to: Float64Array, at: number): number {
  const right = Math.max(1, Math.min(lowerBound(from, at), from.length - 1));
  const left = right - 1;
  return to[left] + ((at - from[left]) / (from[right] - from[left])) * (to[right] - to[left]);
}
