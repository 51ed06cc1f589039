/**
 * Works the queue of plans off: items begin in queue order, after those they depend on, as long as there is room for their
 * runs. Every decision is stored before it is acted on. Not here: how a run or a sweep is trained (`train-item.ts`, `sweep-item.ts`).
 */
import type { PlanSpec } from '#shared/domain/plans/plans.ts';
import { nextReady, shownStatus, type ItemStatus } from '#shared/domain/plans/plan-queue.ts';
import type { RunService } from '../runs/service.ts';
import type { Home } from '../store/home.ts';
import { listItems, type ItemRow } from '../store/plans.ts';
import { requireRun } from '../store/runs.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { writePlanReport } from './report.ts';
import { pausedPlans, planOf, planRows, runsOf } from './rows.ts';
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
      room: (on) => this.room(on),
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
    return isTraining || nextReady(items, ({ planId }) => !isPaused(planId)) !== null;
  }

  /** Follows the running items and begins the next, until there is nothing to do now. */
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
    const running = items.filter(({ status }) => status === 'running');
    for (const item of running) {
      const isHeld = item.isHeld || isPaused(item.planId);
      if (isHeld) this.pauseRuns(item);
      this.work(item, { spec: specOf(planOf(plans, item), items), isHeld });
      if (this.statusOf(item) !== 'running') return true;
    }
    // A report is about what its plan has trained so far: it waits for all that is running.
    const isEarly = ({ item, planId }: ItemRow) =>
      item.kind === 'report' && running.some((one) => one.planId === planId);
    const places = new Set(plans.map(({ on }) => on));
    const free = new Set([...places].filter((on) => this.room(on) > 0));
    const hasRoom = (item: ItemRow) => free.has(planOf(plans, item).on);
    const next = nextReady(items, (item) => !isPaused(item.planId) && !isEarly(item) && hasRoom(item));
    if (next === null) return false;
    this.work(next, { spec: specOf(planOf(plans, next), items), isHeld: false });
    return this.statusOf(next) !== 'waiting';
  }

  private statusOf(item: ItemRow): ItemStatus | undefined {
    return listItems(this.home.db).find(({ id }) => id === item.id)?.status;
  }

  /** Runs that may be started beside those of the running items, paused ones included. */
  private room(on: string | null): number {
    const { plans, items } = planRows(this.home.db);
    const running = items.filter((item) => item.status === 'running' && planOf(plans, item).on === on);
    return this.runs.places(on) - running.reduce((sum, item) => sum + runsOf(this.home.db, item).length, 0);
  }

  /** Pauses the runs of a held item as soon as they train. */
  private pauseRuns(item: ItemRow): void {
    for (const id of runsOf(this.home.db, item)) {
      if (runSummary(this.context, id)?.status === 'running') void this.runs.pause(id).catch(() => undefined);
    }
  }

  private work(row: ItemRow, more: { readonly spec: PlanSpec; readonly isHeld: boolean }): void {
    const { item } = row;
    const isNew = row.status === 'waiting';
    try {
      if (item.kind === 'train') (isNew ? beginTraining : followTraining)(this.context, { row, item, ...more });
      else if (item.kind === 'sweep') (isNew ? beginSweep : followSweep)(this.context, { row, item, ...more });
      else writePlanReport(this.context, { row, item, ...more });
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
