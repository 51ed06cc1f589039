/** The queue, its plans and a sweep's results as the contract shows them, from the rows. */
import { isDistinguishable } from '#engine/evaluation/seed-difference.ts';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { MODEL_LABELS, type ModelType } from '#shared/domain/models/models.ts';
import {
  findItemRecipe,
  itemRecipe,
  type PlanItem,
  type PlanSpec,
  type SweepItem,
} from '#shared/domain/plans/plans.ts';
import { nextReady, obstacle, shownStatus, unmet, type ShownStatus } from '#shared/domain/plans/plan-queue.ts';
import { GATE_METRICS, type GateMetric, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { fieldOf, memberCount, plainPoint, recipeAt, rungs, spread, winnerOf } from '#shared/domain/plans/sweeps.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { Plan, Queue, QueueItem, Sweep, SweepMember } from '#shared/contract/plans.ts';
import { cosineSums } from '../store/cosine-sums.ts';
import { findDataset } from '../store/datasets.ts';
import { listMembers, listTries, type ItemRow, type PlanRow, type SweepMemberRow } from '../store/plans.ts';
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
        () => plan.isPaused,
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

export function sweepSummary(context: PlanContext, spec: PlanSpec, row: ItemRow, item: SweepItem): Sweep {
  const base = itemRecipe(spec, item);
  const levels = rungs(base.epochs, item.sweep.halving);
  const isLive = row.status === 'running' || row.status === 'waiting';
  const members = listMembers(context.home.db, row.id).map((member) =>
    memberSummary(context, item, base, levels, isLive, member),
  );
  const winner = winnerOf(members, item.sweep.objective);
  const recipe = winner && recipeAt(base, winner.point, base.seed);
  return {
    itemId: row.id,
    spec: item.sweep,
    rungs: levels,
    memberCount: memberCount(item.sweep, plainPoint(base, item.sweep.axes)),
    members,
    winner: winner?.member ?? null,
    indistinguishable: winner ? indistinguishable(context, members, winner, item.sweep.objective, base.seed) : [],
    recipe,
    commandLine: recipe && commandLine(recipe, filesOf(context, spec)),
  };
}

/** Members not distinguishable from the winner; those without stored cosines (of earlier versions) are left out. */
function indistinguishable(
  { home }: PlanContext,
  members: readonly SweepMember[],
  winner: SweepMember,
  objective: GateMetric,
  seed: number,
): number[] {
  const part = objective.startsWith('ood') ? 'ood' : 'validation';
  const sumsOf = (member: SweepMember) =>
    member.runs.map(({ runId }) => (runId === null ? null : (cosineSums(home.db, runId)?.[part] ?? null)));
  const best = sumsOf(winner);
  const rivals = members.filter(({ member, epochs }) => member !== winner.member && epochs === winner.epochs);
  return rivals.flatMap((rival) => {
    const pairs = sumsOf(rival).flatMap((b, s) => {
      const a = best[s];
      return a?.sums.model && b?.sums.model ? [{ a, b }] : [];
    });
    return isDistinguishable(pairs, seed) === false ? [rival.member] : [];
  });
}

function filesOf({ home }: PlanContext, { dataset, ood }: PlanSpec): { data: string; ood: string | null } {
  const word = (id: string): string => {
    const found = findDataset(home.db, id);
    return found === null ? id : dataWord(found);
  };
  return { data: word(dataset), ood: ood === null ? null : word(ood) };
}

function memberSummary(
  context: PlanContext,
  { sweep }: SweepItem,
  base: Recipe,
  levels: readonly number[],
  isLive: boolean,
  row: SweepMemberRow,
): SweepMember {
  const reached = Math.min(...Array.from({ length: sweep.seeds }, (_, s) => row.runs[s]?.figures.length ?? 0));
  const at = (metric: GateMetric) =>
    reached === 0 ? null : spread(row.runs.map(({ figures }) => figures[reached - 1]?.[metric] ?? null));
  const failed = row.runs.some(({ failure }) => failure !== '');
  const isFinished = reached === levels.length;
  const isOut = isLive && reached <= row.rung;
  return {
    member: row.member,
    point: { ...row.point },
    state: failed ? 'failed' : isFinished ? 'finished' : isOut ? 'running' : 'ended',
    epochs: reached === 0 ? 0 : levels[reached - 1],
    figures: Object.fromEntries(GATE_METRICS.map((metric) => [metric, at(metric)])) as SweepMember['figures'],
    runs: row.runs.map(({ runId, seed, failure }) => ({
      runId,
      runNumber: runSummary(context, runId)?.number ?? null,
      seed: base.seed + seed,
      failure,
    })),
  };
}
