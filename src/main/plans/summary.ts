/** The queue and its plans as the contract shows them, from the rows. A sweep's results: `sweep-summary.ts`. */
import { MODEL_LABELS, type ModelType } from '#shared/domain/models/models.ts';
import { findItemRecipe, type PlanItem, type PlanSpec } from '#shared/domain/plans/plans.ts';
import { nextReady, obstacle, shownStatus, unmet, type ShownStatus } from '#shared/domain/plans/plan-queue.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { fieldOf, memberCount } from '#shared/domain/plans/sweeps.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { Plan, Queue, QueueItem } from '#shared/contract/plans.ts';
import { findDataset } from '../store/datasets.ts';
import { listMembers, listTries, type ItemRow, type PlanRow } from '../store/plans.ts';
import { figuresOf, runSummary, specOf, type PlanContext } from './context.ts';

export function queueSummary(
  context: PlanContext,
  plans: readonly PlanRow[],
  items: readonly ItemRow[],
  isRunning: boolean,
): Queue {
  return {
    plans: plans.map((plan) => planSummary(context, plan, items)),
    order: items.map(({ id }) => id),
    isRunning,
  };
}

function planSummary(context: PlanContext, plan: PlanRow, items: readonly ItemRow[]): Plan {
  const { db } = context.home;
  const spec = specOf(plan, items);
  const own = items
    .filter(({ planId }) => planId === plan.id)
    .map((row) => itemSummary(context, plan, spec, items, row));
  return {
    id: plan.id,
    name: plan.name,
    createdAt: plan.createdAt,
    isPaused: plan.isPaused,
    datasetName: findDataset(db, plan.dataset)?.name ?? plan.dataset,
    oodName: plan.ood === null ? null : (findDataset(db, plan.ood)?.name ?? plan.ood),
    status: planStatus(
      plan.isPaused,
      own.map(({ status }) => status),
      nextReady(
        items.filter(({ planId }) => planId === plan.id),
        () => !plan.isPaused,
      ) !== null,
    ),
    items: own,
  };
}

function planStatus(isPaused: boolean, statuses: readonly ShownStatus[], isReady: boolean): Plan['status'] {
  if (statuses.every((status) => status === 'done' || status === 'skipped')) return 'done';
  if (isPaused) return 'paused';
  if (statuses.includes('running')) return 'running';
  if (isReady) return 'waiting';
  return statuses.includes('held') ? 'paused' : 'stopped';
}

function itemSummary(
  context: PlanContext,
  plan: PlanRow,
  spec: PlanSpec,
  items: readonly ItemRow[],
  row: ItemRow,
): QueueItem {
  const run = runSummary(context, row.runId);
  const isPaused = row.status === 'running' && run?.status === 'paused';
  const status = isPaused ? 'held' : shownStatus(row, items, plan.isPaused);
  const recipe = recipeOf(spec, row.item);
  return {
    id: row.id,
    planId: plan.id,
    planName: plan.name,
    key: row.key,
    title: titleOf(row.item, recipe),
    item: row.item,
    status,
    reason: reasonOf(row, items, status, run === null ? '' : waitingReason(run)),
    recipe,
    runId: row.runId,
    runNumber: run?.number ?? null,
    figures: run && figuresOf(run),
    intervals: run?.best?.intervals ?? null,
    progress: row.status === 'running' ? progressOf(context, row, run?.step ?? 0, run?.totalSteps ?? null) : null,
    reportPath: row.reportPath,
    tries: listTries(context.home.db, row.id).map(({ runId, status: ended, reason }) => ({
      runId,
      runNumber: runSummary(context, runId)?.number ?? 0,
      status: ended,
      reason,
    })),
    startedAt: row.startedAt,
    endedAt: row.endedAt,
  };
}

/** Why the run of a started item is not training. */
function waitingReason({ number, status, reason }: RunSummary): string {
  if (status === 'paused') return `Run #${number} is paused. ${reason}`;
  if (status === 'queued') return `Run #${number} waits for its turn.`;
  return status === 'interrupted' ? `Run #${number} was cut off; it goes on when the queue is worked off.` : '';
}

function recipeOf(spec: PlanSpec, item: PlanItem): Recipe | null {
  return item.kind === 'report' ? null : findItemRecipe(spec, item);
}

function titleOf(item: PlanItem, recipe: Recipe | null): string {
  if (item.kind === 'report') return 'Report';
  if (item.kind === 'train') return recipe === null ? 'Training' : trainTitle(item.key, recipe.modelType);
  return `Sweep over ${item.sweep.axes.map(({ path }) => fieldOf(path).label).join(', ')}`;
}

/** The model, and the key where it adds something: "AMN", "AMN (cured)". */
function trainTitle(key: string, modelType: ModelType): string {
  return key === modelType ? MODEL_LABELS[modelType] : `${MODEL_LABELS[modelType]} (${key})`;
}

/** Reason for an item's status: how it ended, what blocks it, or what it waits for. */
function reasonOf(row: ItemRow, items: readonly ItemRow[], status: ShownStatus, note: string): string {
  if (status === 'blocked') {
    const cause = obstacle(row, items);
    return cause === null
      ? ''
      : `${cause.key} ${cause.status === 'missed' ? 'missed its gate' : 'failed'}. ${cause.reason}`;
  }
  if (row.reason !== '') return row.reason;
  if (row.status === 'running') return note.trim();
  if (row.status !== 'waiting') return '';
  const waitsFor = unmet(row, items).map(({ key }) => key);
  return waitsFor.length === 0 ? '' : `Waits for ${waitsFor.join(', ')}.`;
}

function progressOf(context: PlanContext, row: ItemRow, step: number, totalSteps: number | null): number | null {
  if (row.item.kind === 'train') return totalSteps === null ? 0 : step / Math.max(1, totalSteps);
  if (row.item.kind === 'report') return null;
  const { sweep } = row.item;
  const members = listMembers(context.home.db, row.id);
  if (members.length === 0) return 0;
  const runs = members.flatMap((member) => member.runs);
  const back = runs.filter(({ isActive, figures, failure }) => !isActive && (figures.length > 0 || failure !== ''));
  return back.length / ((memberCount(sweep, members[0].point) + 1) * sweep.seeds);
}
