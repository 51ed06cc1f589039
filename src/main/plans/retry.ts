/** One more try of an item: a new run where its recipe has changed, the same run judged again where only its gates have. */
import { NextvecError } from '#shared/domain/errors.ts';
import {
  itemRecipe,
  layOver,
  parsePlan,
  type PlanGate,
  type PlanItem,
  type RecipeChanges,
} from '#shared/domain/plans/plans.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-fields.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { deleteMembers, listMembers, putSweepRun, updateItem, type ItemRow, type PlanRow } from '../store/plans.ts';
import { runSummary, specOf, type PlanContext } from './context.ts';
import { endItem, verdict } from './train-item.ts';

export interface Retry {
  readonly changes: RecipeChanges;
  readonly gates?: readonly PlanGate[];
}

/** What decides nothing of a result. */
const IMMATERIAL = new Set(['engine', 'threads', 'device', 'gates']);

export function retryItem(
  context: PlanContext,
  plan: PlanRow,
  items: readonly ItemRow[],
  row: ItemRow,
  retry: Retry,
): void {
  const { db } = context.home;
  const refuse = (why: string, remedy: string): never => {
    throw new NextvecError('CONFLICT', `"${row.key}" (item ${row.id}): ${why}.`, {
      remedy,
      details: { place: row.key },
    });
  };
  if (row.status === 'running') refuse('it is running', 'Skip it or wait for its end.');
  if (row.status === 'done') refuse('it is done', 'Make a new plan for another run.');
  const item = changedItem(row.item, retry);
  const spec = parsePlan(
    specOf(
      plan,
      items.map((one) => (one.id === row.id ? { ...one, item } : one)),
    ),
    row.key,
  );
  const again = { item, status: 'waiting' as const, reason: '', isHeld: false, startedAt: null, endedAt: null };
  const run = runSummary(context, row.runId);
  if (item.kind !== 'train') {
    if (item.kind === 'sweep') retrySweep(context, row, JSON.stringify(item) !== JSON.stringify(row.item));
    updateItem(db, row.id, again);
    return;
  }
  if (run === null || !isSame(itemRecipe(spec, item), run.recipe)) {
    updateItem(db, row.id, { ...again, runId: null });
    return;
  }
  if (run.status === 'finished') {
    if (
      row.status === 'missed' &&
      JSON.stringify(item.gates) === JSON.stringify(row.item.kind === 'train' && row.item.gates)
    )
      refuse('the same recipe would give the same figures', 'Change the recipe or the gate.');
    updateItem(db, row.id, { item });
    endItem(context, row, run, verdict(item, run));
    return;
  }
  updateItem(db, row.id, again);
}

/** Another recipe is another sweep; else members that failed or were stopped go on from their checkpoints. */
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
  return recipeDiff(a, b).every(({ path }) => IMMATERIAL.has(path));
}
