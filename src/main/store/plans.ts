/** Rows of plans, their items in queue order, and the members and runs of sweeps. What they mean: `main/plans`. */
import type { PlanItem, PlanSpec, RunFigures } from '#shared/domain/plans/plans.ts';
import type { ItemStatus, QueueItem } from '#shared/domain/plans/plan-queue.ts';
import type { Point } from '#shared/domain/plans/sweeps.ts';
import type { Db } from './database.ts';
import { takeNumber } from './numbers.ts';
import { fromJson } from './stored-json.ts';

export interface PlanRow {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly isPaused: boolean;
  readonly dataset: string;
  readonly ood: string | null;
  /** Address of the cluster that its runs are sent to; null: they train here. */
  readonly on: string | null;
}

export interface ItemRow extends QueueItem {
  readonly item: PlanItem;
  readonly reason: string;
  readonly runId: string | null;
  readonly reportPath: string | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export function insertPlan(db: Db, spec: PlanSpec, atMs: number): number {
  return db
    .transaction(() => {
      const planId = takeNumber(db, 'plan');
      db.prepare(
        'INSERT INTO plans (id, name, created_at_ms, dataset_id, ood_id, cluster) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(planId, spec.name, atMs, spec.dataset, spec.ood, spec.on);
      const put = db.prepare(
        `INSERT INTO plan_items (plan_id, key, position, item_json, status, is_held)
         SELECT ?, ?, coalesce(max(position), 0) + 1, ?, 'waiting', ? FROM plan_items`,
      );
      for (const item of spec.items) put.run(planId, item.key, JSON.stringify(item), Number(item.held));
      return planId;
    })
    .immediate();
}

interface StoredPlan {
  id: number;
  name: string;
  created_at_ms: number;
  is_paused: number;
  dataset_id: string;
  ood_id: string | null;
  cluster: string | null;
}

/** Oldest first. */
export function listPlans(db: Db): PlanRow[] {
  return db
    .prepare<[], StoredPlan>('SELECT * FROM plans ORDER BY id')
    .all()
    .map((row) => ({
      id: row.id,
      name: row.name,
      createdAt: row.created_at_ms,
      isPaused: row.is_paused === 1,
      dataset: row.dataset_id,
      ood: row.ood_id,
      on: row.cluster,
    }));
}

export function setPlanPaused(db: Db, planId: number, isPaused: boolean): void {
  db.prepare('UPDATE plans SET is_paused = ? WHERE id = ?').run(isPaused ? 1 : 0, planId);
}

export function deletePlan(db: Db, planId: number): void {
  db.prepare('DELETE FROM plans WHERE id = ?').run(planId);
}

interface StoredItem {
  id: number;
  plan_id: number;
  key: string;
  item_json: string;
  status: ItemStatus;
  reason: string;
  is_held: number;
  run_id: string | null;
  report_path: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
}

/** The whole queue, in its order. */
export function listItems(db: Db): ItemRow[] {
  return db
    .prepare<[], StoredItem>('SELECT * FROM plan_items ORDER BY position, id')
    .all()
    .map((row) => {
      const item: PlanItem = fromJson(row.item_json);
      return {
        id: row.id,
        planId: row.plan_id,
        key: row.key,
        item,
        needs: item.needs,
        status: row.status,
        reason: row.reason,
        isHeld: row.is_held === 1,
        runId: row.run_id,
        reportPath: row.report_path,
        startedAt: row.started_at_ms,
        endedAt: row.ended_at_ms,
      };
    });
}

export interface ItemChanges {
  readonly item?: PlanItem;
  readonly status?: ItemStatus;
  readonly reason?: string;
  readonly isHeld?: boolean;
  readonly runId?: string | null;
  readonly reportPath?: string | null;
  readonly startedAt?: number | null;
  readonly endedAt?: number | null;
}

export function updateItem(db: Db, id: number, changes: ItemChanges): void {
  const columns: Record<string, string | number | null | undefined> = {
    item_json: changes.item && JSON.stringify(changes.item),
    status: changes.status,
    reason: changes.reason,
    is_held: changes.isHeld === undefined ? undefined : Number(changes.isHeld),
    run_id: changes.runId,
    report_path: changes.reportPath,
    started_at_ms: changes.startedAt,
    ended_at_ms: changes.endedAt,
  };
  const given = Object.entries(columns).filter(([, value]) => value !== undefined);
  if (given.length === 0) return;
  const assignments = given.map(([column]) => `${column} = @${column}`).join(', ');
  db.prepare(`UPDATE plan_items SET ${assignments} WHERE id = @id`).run({ ...Object.fromEntries(given), id });
}

/** Puts the queue into this order of ids; it must name every item. */
export function reorderItems(db: Db, ids: readonly number[]): void {
  const put = db.prepare('UPDATE plan_items SET position = ? WHERE id = ?');
  db.transaction(() => ids.forEach((id, i) => put.run(i + 1, id))).immediate();
}

export interface TryRow {
  readonly runId: string;
  readonly at: number;
  readonly status: string;
  readonly reason: string;
}

/** Records how a run of an item ended. */
export function putTry(db: Db, itemId: number, row: TryRow): void {
  db.prepare('INSERT OR REPLACE INTO plan_tries (item_id, run_id, at_ms, status, reason) VALUES (?, ?, ?, ?, ?)').run(
    itemId,
    row.runId,
    row.at,
    row.status,
    row.reason,
  );
}

/** Oldest first. */
export function listTries(db: Db, itemId: number): TryRow[] {
  return db
    .prepare<[number], TryRow>(
      'SELECT run_id AS runId, at_ms AS at, status, reason FROM plan_tries WHERE item_id = ? ORDER BY at_ms, rowid',
    )
    .all(itemId);
}

export interface SweepRunRow {
  readonly seed: number;
  readonly runId: string | null;
  /** Rung it was last sent to. */
  readonly rung: number;
  /** Whether it has yet to finish that rung. */
  readonly isActive: boolean;
  /** Why it was dropped; empty while it was not. */
  readonly failure: string;
  /** By rung reached. */
  readonly figures: readonly RunFigures[];
}

export interface SweepMemberRow {
  readonly member: number;
  readonly point: Point;
  readonly rung: number;
  readonly runs: readonly SweepRunRow[];
}

export function insertMember(db: Db, itemId: number, member: number, point: Point): void {
  db.prepare('INSERT INTO sweep_members (item_id, member, point_json) VALUES (?, ?, ?)').run(
    itemId,
    member,
    JSON.stringify(point),
  );
}

export function setMemberRung(db: Db, itemId: number, member: number, rung: number): void {
  db.prepare('UPDATE sweep_members SET rung = ? WHERE item_id = ? AND member = ?').run(rung, itemId, member);
}

export function putSweepRun(db: Db, itemId: number, member: number, row: SweepRunRow): void {
  db.prepare(
    `INSERT OR REPLACE INTO sweep_runs (item_id, member, seed, run_id, rung, is_active, failure, figures_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(itemId, member, row.seed, row.runId, row.rung, Number(row.isActive), row.failure, JSON.stringify(row.figures));
}

export function deleteMembers(db: Db, itemId: number): void {
  db.prepare('DELETE FROM sweep_members WHERE item_id = ?').run(itemId);
}

interface StoredSweepRun {
  member: number;
  seed: number;
  run_id: string | null;
  rung: number;
  is_active: number;
  failure: string;
  figures_json: string;
}

/** Members in their order, each with its runs in the order of their seeds. */
export function listMembers(db: Db, itemId: number): SweepMemberRow[] {
  const runs = db
    .prepare<[number], StoredSweepRun>('SELECT * FROM sweep_runs WHERE item_id = ? ORDER BY member, seed')
    .all(itemId);
  return db
    .prepare<[number], { member: number; point_json: string; rung: number }>(
      'SELECT member, point_json, rung FROM sweep_members WHERE item_id = ? ORDER BY member',
    )
    .all(itemId)
    .map(({ member, point_json, rung }) => ({
      member,
      rung,
      point: fromJson<Point>(point_json),
      runs: runs
        .filter((run) => run.member === member)
        .map((run) => ({
          seed: run.seed,
          runId: run.run_id,
          rung: run.rung,
          isActive: run.is_active === 1,
          failure: run.failure,
          figures: fromJson<RunFigures[]>(run.figures_json),
        })),
    }));
}
