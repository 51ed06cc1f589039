/**
 * A sweep of a plan: as many runs at once as there is room for, each sent to the next rung by `engine/search`. Every move
 * is stored before the next is asked for, so that a restart continues there. Figures are read when a run has finished its
 * rung.
 */
import {
  learnsAt,
  nextMove,
  proposeMember,
  type HalvingRules,
  type MemberProgress,
  type Move,
} from '#engine/search/index.ts';
import { itemRecipe, type SweepItem } from '#shared/domain/plans/plans.ts';
import { planTag, SWEEP_TAG } from '#shared/domain/runs/run-kinds.ts';
import type { GateMetric, Recipe } from '#shared/domain/recipe/recipe.ts';
import { memberCount, plainPoint, recipeAt, rungs, type SweepSpec } from '#shared/domain/plans/sweeps.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { inTransaction } from '../store/database.ts';
import { listEpochs } from '../store/history.ts';
import {
  insertMember,
  listMembers,
  putSweepRun,
  setMemberRung,
  updateItem,
  type SweepMemberRow,
  type SweepRunRow,
} from '../store/plans.ts';
import { endingWords, figuresOf, runSummary, type PlanContext } from './context.ts';
import { endItem, failureReason, type WorkItem } from './train-item.ts';

export function beginSweep(context: PlanContext, work: WorkItem<SweepItem>): void {
  updateItem(context.home.db, work.row.id, { status: 'running', reason: '', startedAt: Date.now(), endedAt: null });
  followSweep(context, work);
}

interface ActiveRun {
  readonly member: SweepMemberRow;
  readonly run: SweepRunRow;
}

/** The runs in training, with their members. */
export function activeRuns(members: readonly SweepMemberRow[]): ActiveRun[] {
  return members.flatMap((member) => member.runs.filter(({ isActive }) => isActive).map((run) => ({ member, run })));
}

/** A sweep's item with what follows from it. */
interface SweepWork extends WorkItem<SweepItem> {
  readonly base: Recipe;
  /** Epochs after which members are compared, rung by rung. */
  readonly levels: readonly number[];
}

function sweepWork(work: WorkItem<SweepItem>): SweepWork {
  const base = itemRecipe(work.spec, work.item);
  return { ...work, base, levels: rungs(base.epochs, work.item.sweep.halving) };
}

export function followSweep(context: PlanContext, workItem: WorkItem<SweepItem>): void {
  const work = sweepWork(workItem);
  const { row, spec, isHeld } = work;
  for (const active of activeRuns(listMembers(context.home.db, row.id))) followRun(context, work, active);
  for (;;) {
    const members = listMembers(context.home.db, row.id);
    const move =
      members.length === 0
        ? ({ kind: 'propose' } as const)
        : nextMove(progressOf(work.item, members), rulesOf(work, members.length));
    if (move.kind === 'done') return finish(context, work, members);
    if (move.kind === 'wait' || isHeld || context.room(spec.on) < 1) return;
    if (move.kind === 'train') {
      const earlier = members[move.member].runs.find(({ seed }) => seed === move.seed)?.runId;
      if (earlier && context.runs.isStopping(earlier)) return;
      send(context, work, members[move.member], move);
    } else if (move.kind === 'promote') setMemberRung(context.home.db, row.id, move.member, move.rung);
    else propose(context, work, members);
  }
}

function rulesOf({ item, base, levels }: SweepWork, proposed: number): HalvingRules {
  const { sweep } = item;
  const { seeds, halving } = sweep;
  return {
    members: membersOf(sweep, base),
    seeds,
    rungCount: levels.length,
    eta: halving?.eta ?? 2,
    isLearning: learnsAt(sweep, proposed),
  };
}

function membersOf(sweep: SweepSpec, base: Recipe): number {
  return memberCount(sweep, plainPoint(base, sweep.axes));
}

function progressOf({ sweep }: SweepItem, members: readonly SweepMemberRow[]): MemberProgress[] {
  return members.map(({ member, rung, runs }) => ({
    member,
    rung,
    values: Array.from({ length: sweep.seeds }, (_, seed) => {
      const run = runs.find((one) => one.seed === seed);
      return (run?.figures ?? []).map((figures) => valueOf(figures[sweep.objective]));
    }),
    training: runs.filter(({ isActive }) => isActive).map(({ seed }) => seed),
    hasFailed: runs.some(({ failure }) => failure !== ''),
  }));
}

/** Members without a measurement cannot win. */
function valueOf(figure: number | null): number {
  return figure ?? -Infinity;
}

function propose({ home }: PlanContext, work: SweepWork, members: readonly SweepMemberRow[]): void {
  const { row, item, base } = work;
  const { sweep } = item;
  const points = new Map(members.map(({ member, point }) => [member, point]));
  const point =
    members.length === 0
      ? plainPoint(base, sweep.axes)
      : proposeMember(sweep, base.seed, points, progressOf(item, members), rulesOf(work, members.length));
  insertMember(home.db, row.id, members.length, point);
}

/**
 * Starts or resumes the run; one that reached its rung while the item was skipped is measured only. Where it cannot start,
 * its member ends.
 */
function send(
  context: PlanContext,
  { row, item, spec, base, levels }: SweepWork,
  member: SweepMemberRow,
  { seed, rung }: Extract<Move, { kind: 'train' }>,
): void {
  const { home, runs } = context;
  const extent = { stopAfterEpoch: levels[rung] };
  const earlier = member.runs.find((run) => run.seed === seed);
  const active = { seed, rung, isActive: true, failure: '', figures: earlier?.figures ?? [] };
  try {
    const known = earlier === undefined ? null : runSummary(context, earlier.runId);
    if (known !== null) {
      const isThere = hasEnded(known.status) && reached(context, known, levels[rung]);
      const figures = isThere ? [...active.figures, figuresOf(known)] : active.figures;
      putSweepRun(home.db, row.id, member.member, { ...active, runId: known.id, isActive: !isThere, figures });
      if (hasEnded(known.status) && !isThere) runs.resume(known.id, extent);
      return;
    }
    const recipe = recipeAt(base, member.point, base.seed + seed);
    const of = member.member === 0 ? 'plain' : `member ${member.member} of ${membersOf(item.sweep, base)}`;
    const name = `${spec.name}: ${of}, seed ${recipe.seed}`;
    inTransaction(home.db, () => {
      const runId = runs.start(recipe, name, [planTag(row.planId), SWEEP_TAG], { ...extent, on: spec.on });
      putSweepRun(home.db, row.id, member.member, { ...active, runId });
    });
  } catch (error) {
    const failure = failureReason(error);
    putSweepRun(home.db, row.id, member.member, { ...active, runId: null, isActive: false, failure });
  }
}

/** Stores the figures of a run that has finished its rung, or why it has not; resumes one that was interrupted. */
function followRun(context: PlanContext, { row, isHeld, levels }: SweepWork, { member, run }: ActiveRun): void {
  const summary = runSummary(context, run.runId);
  const put = (changes: Partial<SweepRunRow>): void =>
    putSweepRun(context.home.db, row.id, member.member, { ...run, ...changes, isActive: false });
  if (summary === null) {
    put({ failure: 'Its run was deleted.' });
    return;
  }
  if (!hasEnded(summary.status)) return;
  try {
    if (summary.status === 'interrupted' && (isHeld || context.resumeInterrupted(summary.id, levels[run.rung]))) return;
  } catch (error) {
    put({ failure: failureReason(error) });
    return;
  }
  if (reached(context, summary, levels[run.rung])) put({ figures: [...run.figures, figuresOf(summary)] });
  else put({ failure: endingWords(summary) });
}

/** Whether the run has trained to the epoch of its rung; only a person or a gate stops it earlier. */
function reached({ home }: PlanContext, { id, status }: RunSummary, epochs: number): boolean {
  return status === 'finished' || (status === 'stopped' && listEpochs(home.db, id).length >= epochs);
}

function finish(context: PlanContext, { row, item }: WorkItem<SweepItem>, members: readonly SweepMemberRow[]): void {
  const objective: GateMetric = item.sweep.objective;
  const measured = members.some(({ runs }) => runs.some(({ figures }) => figures.some((f) => f[objective] !== null)));
  const reason = measured
    ? ''
    : (members.flatMap(({ runs }) => runs.map(({ failure }) => failure)).find(Boolean) ?? '');
  endItem(
    context,
    row,
    null,
    measured ? { status: 'done', reason } : { status: 'failed', reason: `No member was measured. ${reason}` },
  );
}
