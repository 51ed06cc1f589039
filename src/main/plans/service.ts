/**
 * The queue of plans as service calls: create, steer, retry, reorder and read. All state is in the store, so that a
 * restart continues where the last process ended. Not here: working the queue off (`queue-worker.ts`), and how the
 * queue is shown (`summary.ts`).
 */
import { EventPublisher } from '@orpc/server';
import type { Plan, Queue, Sweep } from '#shared/contract/plans.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { unknownDataset } from '#shared/domain/not-found.ts';
import type { PlanSpec } from '#shared/domain/plans/plans.ts';
import type { ItemStatus } from '#shared/domain/plans/plan-queue.ts';
import type { RunService } from '../runs/service.ts';
import { findDataset } from '../store/datasets.ts';
import type { Home } from '../store/home.ts';
import {
  deletePlan,
  insertPlan,
  listItems,
  listPlans,
  reorderItems,
  setPlanPaused,
  updateItem,
  type ItemRow,
} from '../store/plans.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { QueueWorker } from './queue-worker.ts';
import { retryItem, type Retry } from './retry.ts';
import { planOf, planRows, runsOf } from './rows.ts';
import { queueSummary } from './summary.ts';
import { sweepSummary } from './sweep-summary.ts';

export interface PlanServiceOptions {
  readonly home: Home;
  readonly runs: RunService;
  readonly appVersion: string;
  /** Work the queue off in this process. */
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
  private readonly worker: QueueWorker;
  private readonly publisher = new EventPublisher<{ changed: null }>({ maxBufferedEvents: 1 });
  private readonly ending = new AbortController();

  constructor({ home, runs, appVersion, isRunning }: PlanServiceOptions) {
    this.home = home;
    this.runs = runs;
    this.worker = new QueueWorker({ home, runs, appVersion, isRunning: isRunning && home.access === 'owner' });
    this.context = this.worker.context;
  }

  /** Continues what the last process left, and from now on follows every change of a run. */
  begin(): void {
    if (this.home.access !== 'owner') return;
    void this.followRuns();
    this.look();
  }

  close(): void {
    this.ending.abort();
    this.worker.close();
  }

  /** Whether this process trains an item now or is about to; a host keeps the machine awake meanwhile. */
  isBusy(): boolean {
    return this.worker.isBusy();
  }

  queue(): Queue {
    const { plans, items } = planRows(this.home.db);
    return queueSummary(this.context, plans, items, this.worker.isRunning);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Queue> {
    const changes = this.publisher.subscribe('changed', { signal });
    yield this.queue();
    for await (const _ of changes) yield this.queue();
  }

  create(spec: PlanSpec): Plan {
    for (const id of [spec.dataset, ...(spec.ood === null ? [] : [spec.ood])]) {
      if (findDataset(this.home.db, id) !== null) continue;
      throw unknownDataset(id, id === spec.dataset ? 'dataset' : 'ood');
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
      if (item.status !== 'running') continue;
      for (const run of this.runsOf(item)) if (run.status === 'paused') this.runs.resume(run.id);
    }
    this.changed();
  }

  async skip(itemId: number): Promise<void> {
    const item = this.item(itemId);
    if (item.status === 'done' || item.status === 'skipped')
      throw this.conflict(item, `it is ${item.status} already`, 'Nothing is left to skip.');
    const runs = item.status === 'running' ? this.runsOf(item) : [];
    const reason = 'Skipped; what waits for it goes on as if it were done.';
    updateItem(this.home.db, itemId, { status: 'skipped', reason, endedAt: Date.now() });
    await this.stopAll(runs);
    this.changed();
  }

  retry(itemId: number, retry: Retry): void {
    const { plans, items } = planRows(this.home.db);
    const item = this.item(itemId);
    retryItem(this.context, { plan: planOf(plans, item), items, row: item }, retry);
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
    const running = listItems(this.home.db).filter((item) => item.planId === planId && item.status === 'running');
    const runs = running.flatMap((item) => this.runsOf(item));
    deletePlan(this.home.db, plan.id);
    await this.stopAll(runs);
    this.changed();
  }

  sweep(itemId: number): Sweep {
    const { plans, items } = planRows(this.home.db);
    const row = this.item(itemId);
    if (row.item.kind !== 'sweep') throw this.conflict(row, 'it is no sweep', 'Name an item that is a sweep.');
    return sweepSummary(this.context, specOf(planOf(plans, row), items), row, row.item);
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

  private runsOf(item: ItemRow): RunSummary[] {
    return runsOf(this.home.db, item)
      .map((id) => runSummary(this.context, id))
      .filter((run) => run !== null);
  }

  private async stopAll(runs: readonly RunSummary[]): Promise<void> {
    const live = runs.filter(({ status }) => !hasEnded(status));
    await Promise.all(live.map(({ id }) => this.runs.stop(id, 'now')));
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

  private changed(): void {
    this.worker.tick();
    this.publisher.publish('changed', null);
  }

  /** Runs outside of any call: an error (a full disk) is printed, and the work is tried again at the next change. */
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
}
