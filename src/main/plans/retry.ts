/** Retries an item: with a new run if its recipe changed, by judging the same run again if only its gates did. */
import type { RunSummary } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import {
  itemRecipe,
  layOver,
  parsePlan,
  type PlanGate,
  type PlanItem,
  type RecipeChanges,
  type TrainItem,
} from '#shared/domain/plans/plans.ts';
import { isImmaterial, recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { deleteMembers, listMembers, putSweepRun, updateItem, type ItemRow, type PlanRow } from '../store/plans.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { endItem, verdict } from './train-item.ts';

export interface Retry {
  readonly changes: RecipeChanges;
  readonly gates?: readonly PlanGate[];
}

export interface RetriedItem {
  readonly plan: PlanRow;
  /** All items of the queue. */
  readonly items: readonly ItemRow[];
  readonly row: ItemRow;
}

export function retryItem(context: PlanContext, { plan, items, row }: RetriedItem, retry: Retry): void {
  const { db } = context.home;
  if (row.status === 'running') refuse(row, 'it is running', 'Skip it or wait for its end.');
  if (row.status === 'done') refuse(row, 'it is done', 'Make a new plan for another run.');
  const item = changedItem(row.item, retry);
  const changed = items.map((one) => (one.id === row.id ? { ...one, item } : one));
  const spec = parsePlan(specOf(plan, changed), row.key);
  const again = { item, status: 'waiting' as const, reason: '', isHeld: false, startedAt: null, endedAt: null };
  if (item.kind !== 'train') {
    if (item.kind === 'sweep') retrySweep(context, row, JSON.stringify(item) !== JSON.stringify(row.item));
    updateItem(db, row.id, again);
    return;
  }
  const run = runSummary(context, row.runId);
  if (run === null || !isSame(itemRecipe(spec, item), run.recipe)) updateItem(db, row.id, { ...again, runId: null });
  else if (run.status === 'finished') judgeAgain(context, row, item, run);
  else updateItem(db, row.id, again);
}

/** A finished run of the same recipe is not trained again: the changed gates judge its figures. */
function judgeAgain(context: PlanContext, row: ItemRow, item: TrainItem, run: RunSummary): void {
  const gatesBefore = row.item.kind === 'train' ? row.item.gates : [];
  if (row.status === 'missed' && JSON.stringify(item.gates) === JSON.stringify(gatesBefore))
    refuse(row, 'the same recipe would give the same figures', 'Change the recipe or the gate.');
  updateItem(context.home.db, row.id, { item });
  endItem(context, row, run, verdict(item, run));
}

function refuse(row: ItemRow, why: string, remedy: string): never {
  throw new NextvecError('CONFLICT', `"${row.key}" (item ${row.id}): ${why}.`, { remedy, details: { place: row.key } });
}

/** A changed recipe starts another sweep; else failed and stopped members resume from their checkpoints. */
function retrySweep({ home: { db } }: PlanContext, { id }: ItemRow, hasChanged: boolean): void {
  if (hasChanged) deleteMembers(db, id);
  for (const { member, runs } of listMembers(db, id)) {
    for (const run of runs) {
      if (run.isActive || run.failure !== '') putSweepRun(db, id, member, { ...run, isActive: false, failure: '' });
    }
  }
}

function changedItem(item: PlanItem, { changes, gates }: Retry): PlanItem {
  if (item.kind === 'report') return item;
  const recipe = layOver(item.recipe, changes);
  return item.kind === 'train' ? { ...item, recipe, gates: [...(gates ?? item.gates)] } : { ...item, recipe };
}

function isSame(a: Recipe, b: Recipe): boolean {
  return recipeDiff(a, b).every(isImmaterial);
}
