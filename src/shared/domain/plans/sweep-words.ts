/** How the results of a sweep are written, on the page, in the terminal and in reports. */
import type { PairedDifference } from '../evaluation/comparison.ts';
import { intervalText, signedInterval, type Interval } from '../evaluation/interval.ts';
import { listed, plural, signed } from '../figures.ts';
import type { GateMetric } from '../recipe/recipe.ts';
import type { Spread } from '../spread.ts';
import type { MemberResult } from './sweeps.ts';

/** The metrics a table of members shows. */
export const SWEEP_FIGURES = [
  { metric: 'valLift', part: 'validation', title: 'validation lift' },
  { metric: 'oodLift', part: 'ood', title: 'OOD lift' },
] as const satisfies { metric: GateMetric; part: keyof PairedDifference; title: string }[];

/** What the parts of `spreadText` are. */
export const SPREAD_NOTE =
  '± is the standard deviation over the seeds; in brackets 95 % intervals over articles and seeds.';

/** `+0.0133 ± 0.0042 [+0.0089, +0.0177]`; of one seed without ±. */
export function spreadText({ mean, std }: Spread, interval: Interval | null | undefined): string {
  const deviation = std === null ? '' : ` ± ${std.toFixed(4)}`;
  return `${signed(mean)}${deviation} ${intervalText(interval, signed)}`.trimEnd();
}

/** Mean of the winner minus mean of the plain recipe; null: not measured. */
export function gainIn(metric: GateMetric, winner: MemberResult | null, plain: MemberResult | null): number | null {
  const [a, b] = [winner?.figures[metric], plain?.figures[metric]];
  return a && b ? a.mean - b.mean : null;
}

interface Win {
  readonly winner: MemberResult;
  readonly plain: MemberResult | null;
  readonly objective: GateMetric;
  readonly gainIntervals: PairedDifference;
}

export function winnerText({ winner, plain, objective, gainIntervals }: Win): string {
  if (winner.member === 0) return `No member is better than the plain recipe by ${objective}.`;
  const gains = SWEEP_FIGURES.flatMap(({ metric, part, title }) => {
    const gain = gainIn(metric, winner, plain);
    return gain === null ? [] : [`${signedInterval(gain, gainIntervals[part])} ${title}`];
  });
  return `Member ${winner.member} wins by ${objective}; over the plain recipe it gains ${gains.join(', ')}.`;
}

/** Names the members a winner is not distinguishable from; empty for none. */
export function notDistinguishable(members: readonly number[]): string {
  if (members.length === 0) return '';
  const names = members.map((member) => (member === 0 ? 'the plain recipe' : `member ${member}`));
  const others = plural(members.length, 'other');
  return `Not distinguishable from ${others} over the articles and seeds measured: ${listed(names)}.`;
}
