/** Reading the rows of the queue. */
import { listItems, listMembers, listPlans, type ItemRow, type PlanRow } from '../store/plans.ts';
import type { Db } from '../store/database.ts';
import { activeRun } from './sweep-item.ts';

export function planRows(db: Db): { plans: PlanRow[]; items: ItemRow[] } {
  return { plans: listPlans(db), items: listItems(db) };
}

/** Id of the run an item is training now, or trained last. */
export function runOf(db: Db, item: ItemRow): string | null {
  return item.item.kind === 'sweep' ? (activeRun(listMembers(db, item.id))?.run.runId ?? null) : item.runId;
}

/** Whether a plan, by id, is paused. */
export function pausedPlans(plans: readonly PlanRow[]): (planId: number) => boolean {
  const paused = new Set(plans.filter(({ isPaused }) => isPaused).map(({ id }) => id));
  return (planId) => paused.has(planId);
}
