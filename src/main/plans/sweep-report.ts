/** The sweeps of a plan in its report: members with their intervals, the winner, and what it is not distinguishable from. */
import type { Sweep, SweepMember } from '#shared/contract/plans.ts';
import { NOT_MEASURED } from '#shared/domain/figures.ts';
import type { PlanSpec } from '#shared/domain/plans/plans.ts';
import {
  notDistinguishable,
  SPREAD_NOTE,
  spreadText,
  SWEEP_FIGURES,
  winnerText,
} from '#shared/domain/plans/sweep-words.ts';
import { fieldOf } from '#shared/domain/plans/sweeps.ts';
import { code, paragraph, table, type Block, type Section } from '../reports/document.ts';
import type { ItemRow } from '../store/plans.ts';
import type { PlanContext } from './context.ts';
import { sweepSummary } from './sweep-summary.ts';

/** One section for each sweep that is done. */
export function sweepSections(context: PlanContext, spec: PlanSpec, items: readonly ItemRow[]): Section[] {
  return items.flatMap((row): Section[] => {
    if (row.item.kind !== 'sweep' || row.status !== 'done') return [];
    const sweep = sweepSummary(context, spec, row, row.item);
    const blocks = [membersTable(sweep), ...winnerBlocks(sweep)];
    return [{ title: `Sweep ${row.key}`, blocks }];
  });
}

function membersTable({ spec, members, winner }: Sweep): Block {
  const axes = spec.axes.map(({ path }) => fieldOf(path));
  return table(
    `Best checkpoint of each member. ${SPREAD_NOTE}`,
    ['Member', ...axes.map(({ label }) => label), '#Epochs', ...SWEEP_FIGURES.map(({ title }) => `#${title}`), ''],
    members.map((member) => [
      member.member === 0 ? 'plain' : String(member.member),
      ...axes.map(({ path }) => String(member.point[path])),
      String(member.epochs),
      ...SWEEP_FIGURES.map(({ metric }) => figureText(member, metric)),
      member.member === winner ? 'winner' : member.state,
    ]),
  );
}

function figureText({ figures, intervals }: SweepMember, metric: keyof SweepMember['figures']): string {
  const figure = figures[metric];
  return figure === null ? NOT_MEASURED : spreadText(figure, intervals[metric]);
}

function winnerBlocks({
  members,
  winner: number,
  spec,
  indistinguishable,
  gainIntervals,
  commandLine,
}: Sweep): Block[] {
  const winner = members.find(({ member }) => member === number);
  if (!winner) return [];
  const won = winnerText({ winner, plain: members[0], objective: spec.objective, gainIntervals });
  return [
    paragraph(`${won} ${notDistinguishable(indistinguishable)}`.trimEnd()),
    ...(commandLine === null ? [] : [code(commandLine)]),
  ];
}
