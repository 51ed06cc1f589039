/**
 * The queue of plans: takes up one item at a time, in the order of the queue and of what each waits for, and does what a
 * person asks of an item. All state is in the store, so that a restart goes on where the last life ended. Not here: how
 * a run or a sweep is trained (`train-item.ts`, `sweep-item.ts`), how the queue looks (`summary.ts`).
 */
import { EventPublisher } from '@orpc/server';
import type { Plan, Queue, Sweep } from '#shared/contract/plans.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { nextReady, shownStatus, type ItemStatus, type PlanSpec } from '#shared/domain/plans/plans.ts';
import type { RunService } from '../runs/service.ts';
import { findDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import {
  deletePlan,
  insertPlan,
  listItems,
  listMembers,
  listPlans,
  reorderItems,
  setPlanPaused,
  updateItem,
  type ItemRow,
  type PlanRow,
} from '../store/plans.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { writePlanReport } from './report.ts';
import { retryItem, type Retry } from './retry.ts';
import { queueSummary, sweepSummary } from './summary.ts';
import { activeRun, beginSweep, followSweep } from './sweep-item.ts';
import { beginTraining, endItem, followTraining, whyNot } from './train-item.ts';

export interface PlanServiceOptions {
  readonly home: Home;
  readonly runs: RunService;
  readonly appVersion: string;
  /** Take up what waits. */
  readonly isRunning: boolean;
}

interface Target {
  readonly planId: number | null;
  readonly itemId: number | null;
}

const OPEN: readonly ItemStatus[] = ['waiting', 'running'];

export class PlanService {
  private readonly context: PlanContext;
  private readonly home: Home;
  private readonly runs: RunService;
  private readonly isRunning: boolean;
  private readonly publisher = new EventPublisher<{ changed: null }>({ maxBufferedEvents: 1 });
  private readonly ending = new AbortController();
  /** Step at which a run was last cut off and resumed; at the same step again it is not the machine's fault. */
  private readonly cutOffAt = new Map<string, number>();
  private isTicking = false;

  constructor({ home, runs, appVersion, isRunning }: PlanServiceOptions) {
    this.home = home;
    this.runs = runs;
    this.isRunning = isRunning && home.access === 'owner';
    this.context = {
      home,
      runs,
      appVersion,
      resumeCutOff: (runId, stopAfterEpoch) => this.resumeCutOff(runId, stopAfterEpoch),
    };
  }

  /** Goes on with what the last life left, and from now on with everything that comes. */
  begin(): void {
    if (this.home.access !== 'owner') return;
    void this.followRuns();
    this.look();
  }

  close(): void {
    this.ending.abort();
  }

  /** Whether this process trains an item now or is about to; a host keeps the machine awake meanwhile. */
  isBusy(): boolean {
    if (!this.isRunning) return false;
    const { plans, items } = this.rows();
    const isPaused = pausedPlans(plans);
    const isOut = items.some((item) => shownStatus(item, items, isPaused(item.planId)) === 'running');
    return isOut || nextReady(items, isPaused) !== null;
  }

  queue(): Queue {
    const { plans, items } = this.rows();
    return queueSummary(this.context, plans, items, this.isRunning);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Queue> {
    const changes = this.publisher.subscribe('changed', { signal });
    yield this.queue();
    for await (const _ of changes) yield this.queue();
  }

  create(spec: PlanSpec): Plan {
    for (const id of [spec.dataset, ...(spec.ood === null ? [] : [spec.ood])]) {
      if (findDataset(this.home.db, id) !== null) continue;
      throw new NextvecError('NOT_FOUND', `There is no data set "${id}".`, {
        remedy: 'Import its file in Data sets and choose it again.',
        details: { place: id === spec.dataset ? 'dataset' : 'ood' },
      });
    }
    const planId = insertPlan(this.home.db, spec, Date.now());
    this.changed();
    return this.plan(planId);
  }

  pause(target: Target): void {
    this.setHeld(target, true);
    this.changed();
  }

  resume(target: Target): void {
    this.setHeld(target, false);
    for (const item of this.targets(target)) {
      const run = runSummary(this.context, this.runOf(item));
      if (item.status === 'running' && run?.status === 'paused') this.runs.resume(run.id);
    }
    this.changed();
  }

  async skip(itemId: number): Promise<void> {
    const item = this.item(itemId);
    if (item.status === 'done' || item.status === 'skipped')
      throw this.conflict(item, `it is ${item.status} already`, 'Nothing is left to skip.');
    const run = runSummary(this.context, this.runOf(item));
    const reason = 'Skipped; what waits for it goes on as if it were done.';
    updateItem(this.home.db, itemId, { status: 'skipped', reason, endedAt: Date.now() });
    if (item.status === 'running' && run !== null && !hasEnded(run.status)) await this.runs.stop(run.id, 'now');
    this.changed();
  }

  retry(itemId: number, retry: Retry): void {
    const { plans, items } = this.rows();
    const item = this.item(itemId);
    const plan = plans.find(({ id }) => id === item.planId) as PlanRow;
    retryItem(this.context, plan, items, item, retry);
    this.changed();
  }

  move(itemId: number, beforeId: number | null): void {
    this.item(itemId);
    if (beforeId !== null) this.item(beforeId);
    const others = listItems(this.home.db)
      .map(({ id }) => id)
      .filter((id) => id !== itemId);
    const at = beforeId === null || beforeId === itemId ? others.length : others.indexOf(beforeId);
    if (beforeId !== itemId) reorderItems(this.home.db, others.toSpliced(at, 0, itemId));
    this.changed();
  }

  async remove(planId: number): Promise<void> {
    const plan = this.plan(planId);
    const running = listItems(this.home.db).find((item) => item.planId === planId && item.status === 'running');
    const run = running === undefined ? null : runSummary(this.context, this.runOf(running));
    deletePlan(this.home.db, plan.id);
    if (run !== null && !hasEnded(run.status)) await this.runs.stop(run.id, 'now');
    this.changed();
  }

  sweep(itemId: number): Sweep {
    const { plans, items } = this.rows();
    const row = this.item(itemId);
    if (row.item.kind !== 'sweep') throw this.conflict(row, 'it is no sweep', 'Name an item that is a sweep.');
    const plan = plans.find(({ id }) => id === row.planId) as PlanRow;
    return sweepSummary(this.context, specOf(plan, items), row, row.item);
  }

  private rows(): { plans: PlanRow[]; items: ItemRow[] } {
    return { plans: listPlans(this.home.db), items: listItems(this.home.db) };
  }

  private plan(planId: number): Plan {
    const plan = this.queue().plans.find(({ id }) => id === planId);
    if (plan !== undefined) return plan;
    throw new NextvecError('NOT_FOUND', `There is no plan ${planId}.`, {
      remedy: 'List the queue to see the plans there are.',
      details: { place: String(planId) },
    });
  }

  private item(itemId: number): ItemRow {
    const item = listItems(this.home.db).find(({ id }) => id === itemId);
    if (item !== undefined) return item;
    throw new NextvecError('NOT_FOUND', `There is no item ${itemId} in the queue.`, {
      remedy: 'List the queue to see the items there are.',
      details: { place: String(itemId) },
    });
  }

  private conflict(item: ItemRow, why: string, remedy: string): NextvecError {
    return new NextvecError('CONFLICT', `"${item.key}" (item ${item.id}): ${why}.`, {
      remedy,
      details: { place: String(item.id) },
    });
  }

  private targets({ planId, itemId }: Target): ItemRow[] {
    return listItems(this.home.db).filter(
      (item) => (planId === null || item.planId === planId) && (itemId === null || item.id === itemId),
    );
  }

  private setHeld({ planId, itemId }: Target, isHeld: boolean): void {
    if (itemId !== null) {
      const item = this.item(itemId);
      if (!OPEN.includes(item.status))
        throw this.conflict(item, `it is ${item.status}`, 'Only open items can be paused.');
      updateItem(this.home.db, itemId, { isHeld });
      return;
    }
    if (planId !== null) this.plan(planId);
    for (const { id } of listPlans(this.home.db)) {
      if (planId === null || id === planId) setPlanPaused(this.home.db, id, isHeld);
    }
  }

  /** The run an item has out now, or had last. */
  private runOf(item: ItemRow): string | null {
    return item.item.kind === 'sweep' ? (activeRun(listMembers(this.home.db, item.id))?.run.runId ?? null) : item.runId;
  }

  private resumeCutOff(runId: string, stopAfterEpoch: number | null): boolean {
    const { step } = this.runs.row(runId);
    if (this.cutOffAt.get(runId) === step) return false;
    this.cutOffAt.set(runId, step);
    this.runs.resume(runId, { stopAfterEpoch });
    return true;
  }

  private changed(): void {
    this.tick();
    this.publisher.publish('changed', null);
  }

  /** Nobody asked, so nobody can be told: what fails here (a full disk) is tried again at the next change. */
  private look(): void {
    try {
      this.changed();
    } catch (error) {
      console.error('The queue of plans could not go on:', error);
    }
  }

  private async followRuns(): Promise<void> {
    try {
      for await (const _ of this.runs.bus.changes(this.ending.signal)) this.look();
    } catch (error) {
      if (!this.ending.signal.aborted) throw error;
    }
  }

  /** Looks after the item that is out, or takes up the next, until there is nothing to do now. */
  private tick(): void {
    if (!this.isRunning || this.isTicking || this.ending.signal.aborted) return;
    this.isTicking = true;
    try {
      while (this.step());
    } finally {
      this.isTicking = false;
    }
  }

  /** true: something has changed, look again. */
  private step(): boolean {
    const { plans, items } = this.rows();
    const isPaused = pausedPlans(plans);
    const running = items.find(({ status }) => status === 'running');
    const row = running ?? nextReady(items, isPaused);
    if (row === null) return false;
    const plan = plans.find(({ id }) => id === row.planId) as PlanRow;
    if (running !== undefined && (running.isHeld || isPaused(running.planId)) && this.keepPaused(running)) return false;
    this.work(row, specOf(plan, items));
    return this.item(row.id).status !== 'running';
  }

  /** A held item's run is paused as soon as it can be; true while there is such a run. */
  private keepPaused(item: ItemRow): boolean {
    const run = runSummary(this.context, this.runOf(item));
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
      endItem(this.context, row, null, { status: 'failed', reason: whyNot(error) });
    }
  }
}

function pausedPlans(plans: readonly PlanRow[]): (planId: number) => boolean {
  const paused = new Set(plans.filter(({ isPaused }) => isPaused).map(({ id }) => id));
  return (planId) => paused.has(planId);
}
