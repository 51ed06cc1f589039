/** Reading the rows of the queue. */
import { listItems, listMembers, listPlans, type ItemRow, type PlanRow } from '../store/plans.ts';
import type { Db } from '../store/database.ts';
import { activeRuns } from './sweep-item.ts';

export function planRows(db: Db): { plans: PlanRow[]; items: ItemRow[] } {
  return { plans: listPlans(db), items: listItems(db) };
}

/** There always is one: an item goes with its plan. */
export function planOf(plans: readonly PlanRow[], { planId }: ItemRow): PlanRow {
  const plan = plans.find(({ id }) => id === planId);
  if (plan === undefined) throw new Error(`plan ${planId} is not in the history`);
  return plan;
}

/** Ids of the runs an item is training now; of a training also the one it trained last. */
export function runsOf(db: Db, item: ItemRow): string[] {
  const ids =
    item.item.kind === 'sweep' ? activeRuns(listMembers(db, item.id)).map(({ run }) => run.runId) : [item.runId];
  return ids.filter((id) => id !== null);
}

/** Whether a plan, by id, is paused. */
export function pausedPlans(plans: readonly PlanRow[]): (planId: number) => boolean {
  const paused = new Set(plans.filter(({ isPaused }) => isPaused).map(({ id }) => id));
  return (planId) => paused.has(planId);
}
