/**
 * Runs the queue of plans, one item at a time, in queue order and after the items each depends on. Every decision
 * is stored before it is acted on. Not here: how a run or a sweep is trained (`train-item.ts`, `sweep-item.ts`).
 */
import type { PlanSpec } from '#shared/domain/plans/plans.ts';
import { nextReady, shownStatus } from '#shared/domain/plans/plan-queue.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import type { RunService } from '../runs/service.ts';
import type { Home } from '../store/home.ts';
import type { ItemRow, PlanRow } from '../store/plans.ts';
import { requireRun } from '../store/runs.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { writePlanReport } from './report.ts';
import { pausedPlans, planRows, runOf } from './rows.ts';
import { SweepIntervals } from './sweep-intervals.ts';
import { beginSweep, followSweep } from './sweep-item.ts';
import { beginTraining, endItem, followTraining, failureReason } from './train-item.ts';

export interface QueueWorkerOptions {
  readonly home: Home;
  readonly runs: RunService;
  readonly appVersion: string;
  /** false: the queue is only read here. */
  readonly isRunning: boolean;
}

export class QueueWorker {
  readonly context: PlanContext;
  readonly isRunning: boolean;
  private readonly home: Home;
  private readonly runs: RunService;
  /** Step at which each run was last interrupted and resumed; it is not resumed twice at the same step. */
  private readonly interruptedAt = new Map<string, number>();
  private isTicking = false;
  private isClosed = false;

  constructor({ home, runs, appVersion, isRunning }: QueueWorkerOptions) {
    this.home = home;
    this.runs = runs;
    this.isRunning = isRunning;
    this.context = {
      home,
      runs,
      appVersion,
      sweepIntervals: new SweepIntervals(home.db),
      resumeInterrupted: (runId, stopAfterEpoch) => this.resumeInterrupted(runId, stopAfterEpoch),
    };
  }

  close(): void {
    this.isClosed = true;
  }

  /** Whether an item is training here now or is about to. */
  isBusy(): boolean {
    if (!this.isRunning) return false;
    const { plans, items } = planRows(this.home.db);
    const isPaused = pausedPlans(plans);
    const isTraining = items.some((item) => shownStatus(item, items, isPaused(item.planId)) === 'running');
    return isTraining || nextReady(items, isPaused) !== null;
  }

  /** Follows the running item or begins the next, until there is nothing to do now. */
  tick(): void {
    if (!this.isRunning || this.isTicking || this.isClosed) return;
    this.isTicking = true;
    try {
      while (this.step());
    } finally {
      this.isTicking = false;
    }
  }

  /** true: something changed; check again. */
  private step(): boolean {
    const { plans, items } = planRows(this.home.db);
    const isPaused = pausedPlans(plans);
    const running = items.find(({ status }) => status === 'running');
    const row = running ?? nextReady(items, isPaused);
    if (row === null) return false;
    const plan = plans.find(({ id }) => id === row.planId) as PlanRow;
    if (running !== undefined && (running.isHeld || isPaused(running.planId)) && this.keepPaused(running)) return false;
    this.work(row, specOf(plan, items));
    return planRows(this.home.db).items.find(({ id }) => id === row.id)?.status !== 'running';
  }

  /** Pauses the run of a held item as soon as it trains; true while there is such a run. */
  private keepPaused(item: ItemRow): boolean {
    const run = runSummary(this.context, runOf(this.home.db, item));
    if (run?.status === 'running') void this.runs.pause(run.id).catch(() => undefined);
    return run !== null && (!hasEnded(run.status) || run.status === 'interrupted');
  }

  private work(row: ItemRow, spec: PlanSpec): void {
    const { item } = row;
    const isNew = row.status === 'waiting';
    try {
      if (item.kind === 'train') (isNew ? beginTraining : followTraining)(this.context, { row, item, spec });
      else if (item.kind === 'sweep') (isNew ? beginSweep : followSweep)(this.context, { row, item, spec });
      else writePlanReport(this.context, { row, item, spec });
    } catch (error) {
      endItem(this.context, row, null, { status: 'failed', reason: failureReason(error) });
    }
  }

  private resumeInterrupted(runId: string, stopAfterEpoch: number | null): boolean {
    const { step } = requireRun(this.home.db, runId);
    if (this.interruptedAt.get(runId) === step) return false;
    this.interruptedAt.set(runId, step);
    this.runs.resume(runId, { stopAfterEpoch });
    return true;
  }
}
