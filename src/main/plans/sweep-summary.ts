/** A sweep's members, its winner and their intervals, from the rows. */
import type { Sweep, SweepMember } from '#shared/contract/plans.ts';
import { holdsZero } from '#shared/domain/evaluation/interval.ts';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { GATE_METRICS, type GateMetric } from '#shared/domain/recipe/recipe.ts';
import { itemRecipe, type PlanSpec, type SweepItem } from '#shared/domain/plans/plans.ts';
import { memberCount, plainPoint, recipeAt, rungs, winnerOf } from '#shared/domain/plans/sweeps.ts';
import { spread } from '#shared/domain/spread.ts';
import { findDataset } from '../store/datasets.ts';
import { listMembers, type ItemRow, type SweepMemberRow } from '../store/plans.ts';
import { runSummary, type PlanContext } from './context.ts';

interface SweepFacts {
  readonly seeds: number;
  /** Of the base recipe. */
  readonly seed: number;
  readonly levels: readonly number[];
  readonly isLive: boolean;
}

export function sweepSummary(context: PlanContext, spec: PlanSpec, row: ItemRow, item: SweepItem): Sweep {
  const base = itemRecipe(spec, item);
  const { seeds, halving, objective, axes } = item.sweep;
  const levels = rungs(base.epochs, halving);
  const isLive = row.status === 'running' || row.status === 'waiting';
  const facts = { seeds, seed: base.seed, levels, isLive };
  const rows = listMembers(context.home.db, row.id);
  const members = rows.map((member) => memberSummary(context, facts, member));
  const winner = winnerOf(members, objective);
  const recipe = winner && recipeAt(base, winner.point, base.seed);
  return {
    itemId: row.id,
    spec: item.sweep,
    rungs: levels,
    memberCount: memberCount(item.sweep, plainPoint(base, axes)),
    members,
    winner: winner?.member ?? null,
    ...besideWinner(context, { rows, members, winner, objective, seed: base.seed }),
    recipe,
    commandLine: recipe && commandLine(recipe, filesOf(context, spec)),
  };
}

interface Ranking {
  readonly rows: readonly SweepMemberRow[];
  readonly members: readonly SweepMember[];
  readonly winner: SweepMember | null;
  readonly objective: GateMetric;
  readonly seed: number;
}

/** The winner held against the members trained as long, and against the plain recipe. */
function besideWinner(
  { sweepIntervals }: PlanContext,
  { rows, members, winner, objective, seed }: Ranking,
): Pick<Sweep, 'indistinguishable' | 'gainIntervals'> {
  const best = rows.find(({ member }) => member === winner?.member);
  if (!winner || !best) return { indistinguishable: [], gainIntervals: NO_GAIN };
  const part = objective.startsWith('ood') ? 'ood' : 'validation';
  const rivals = rows.filter((row, i) => row.member !== winner.member && members[i].epochs === winner.epochs);
  const isClose = (row: SweepMemberRow): boolean => {
    const interval = sweepIntervals.difference(best, row, seed)[part];
    return interval !== null && holdsZero(interval);
  };
  return {
    indistinguishable: rivals.filter(isClose).map(({ member }) => member),
    gainIntervals: winner.member === 0 ? NO_GAIN : sweepIntervals.difference(best, rows[0], seed),
  };
}

const NO_GAIN = { validation: null, ood: null };

function filesOf({ home }: PlanContext, { dataset, ood }: PlanSpec): { data: string; ood: string | null } {
  const word = (id: string): string => {
    const found = findDataset(home.db, id);
    return found === null ? id : dataWord(found);
  };
  return { data: word(dataset), ood: ood === null ? null : word(ood) };
}

function memberSummary(
  context: PlanContext,
  { seeds, seed, levels, isLive }: SweepFacts,
  row: SweepMemberRow,
): SweepMember {
  const reached = Math.min(...Array.from({ length: seeds }, (_, s) => row.runs[s]?.figures.length ?? 0));
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
    intervals: reached === 0 ? {} : context.sweepIntervals.ofMember(row, seed),
    runs: row.runs.map((run) => ({
      runId: run.runId,
      runNumber: runSummary(context, run.runId)?.number ?? null,
      seed: seed + run.seed,
      failure: run.failure,
    })),
  };
}
