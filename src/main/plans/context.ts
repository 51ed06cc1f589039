/** Dependencies of the queue: history, runs, and the status of an item's run. */
import type { PlanItem, PlanSpec, RunFigures } from '#shared/domain/plans/plans.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { RunService } from '../runs/service.ts';
import { summarise } from '../runs/summary.ts';
import { findRun } from '../store/runs.ts';
import type { Home } from '../store/home.ts';
import type { ItemRow, PlanRow } from '../store/plans.ts';
import type { SweepIntervals } from './sweep-intervals.ts';

export interface PlanContext {
  readonly home: Home;
  readonly runs: RunService;
  readonly appVersion: string;
  readonly sweepIntervals: SweepIntervals;
  /** How many more runs may be started now, here (null) or on a cluster. */
  readonly room: (on: string | null) => number;
  /** Resumes an interrupted run; false when it was interrupted at the same step before. */
  readonly resumeInterrupted: (runId: string, stopAfterEpoch: number | null) => boolean;
}

/** The plan as a spec, from its rows. */
export function specOf(plan: PlanRow, items: readonly ItemRow[]): PlanSpec {
  const own = items.filter(({ planId }) => planId === plan.id);
  const { name, dataset, ood, on } = plan;
  return { name, dataset, ood, on, items: own.map(({ item }): PlanItem => item) };
}

export function runSummary({ home }: Pick<PlanContext, 'home'>, runId: string | null): RunSummary | null {
  const row = runId === null ? null : findRun(home.db, runId);
  return row === null ? null : summarise(row, [], null);
}

export function figuresOf(run: RunSummary): RunFigures {
  const { best, valLift, oodLift, valBestLift, oodBestLift } = run;
  const cosines = { valCosine: best?.valCosine ?? null, oodCosine: best?.oodCosine ?? null };
  return { ...cosines, valLift, oodLift, valBestLift, oodBestLift };
}

/** "Run #4 was stopped: Stopped on request." */
export function endingWords({ number, status, reason }: RunSummary): string {
  const what = status === 'failed' ? 'failed' : `was ${status}`;
  return `Run #${number} ${what}${reason === '' ? '.' : `: ${reason}`}`;
}
