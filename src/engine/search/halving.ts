/**
 * Which member of a sweep trains next. Asynchronous successive halving: Li et al., "A System for Massively Parallel
 * Hyperparameter Tuning", MLSys 2020, algorithm 2 (after Jamieson & Talwalkar 2016). Members train to the first rung;
 * one in η of those that reached a rung goes on to the next, its runs resumed where they ended. The plain recipe
 * (member 0) always goes to the top: the winner is compared with it. Pure: all state is in the arguments.
 *
 * Several runs may train at once. Which members there are and how far each goes is then the same as one run after the
 * other: members arrive at a rung in a fixed order, and a promotion reads only members with no gap before them.
 */

export interface MemberProgress {
  readonly member: number;
  /** Rung the member has been sent to, from 0. */
  readonly rung: number;
  /** By seed: the objective at each rung reached so far. */
  readonly values: readonly (readonly number[])[];
  /** Seeds (0-based) whose runs train now, to the member's rung. */
  readonly training: readonly number[];
  /** A run of it failed or was stopped: it goes no further. */
  readonly hasFailed: boolean;
}

export interface HalvingRules {
  /** Members beside the plain recipe. */
  readonly members: number;
  readonly seeds: number;
  readonly rungCount: number;
  readonly eta: number;
  /** Whether the next member to be proposed depends on the values of those before it. */
  readonly isLearning: boolean;
}

export type Move =
  /** Train this member's run with this seed (0-based) to the member's rung. */
  | { readonly kind: 'train'; readonly member: number; readonly seed: number; readonly rung: number }
  /** Send this member to the next rung. */
  | { readonly kind: 'promote'; readonly member: number; readonly rung: number }
  /** Propose a member. */
  | { readonly kind: 'propose' }
  /** Nothing more can start before a run that trains now has ended. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'done' };

const PLAIN = 0;

/** Mean over the seeds at a rung; −∞ for a member that failed; null while a seed is missing. */
function valueAtRung(progress: MemberProgress, rung: number, seeds: number): number | null {
  const values = progress.values.slice(0, seeds).map((reached) => reached[rung]);
  const known = values.filter((value): value is number => value !== undefined);
  if (known.length === seeds) return known.reduce((sum, value) => sum + value, 0) / seeds;
  return progress.hasFailed ? -Infinity : null;
}

/** The next move beside the runs that train now. */
export function nextMove(all: readonly MemberProgress[], rules: HalvingRules): Move {
  const { seeds, members, isLearning } = rules;
  for (const progress of all) {
    const seed = untrainedSeed(progress, seeds);
    if (seed !== null) return { kind: 'train', member: progress.member, seed, rung: progress.rung };
  }
  const promoted = nextPromotion(all, rules);
  if (promoted !== null) return { kind: 'promote', member: promoted.member, rung: promoted.rung + 1 };
  const isTraining = all.some(({ training }) => training.length > 0);
  if (all.length < members + 1 && !(isLearning && isTraining)) return { kind: 'propose' };
  return isTraining ? { kind: 'wait' } : { kind: 'done' };
}

/** The first seed that has neither reached the member's rung nor trains now; null: none, or the member has failed. */
function untrainedSeed({ rung, values, training, hasFailed }: MemberProgress, seeds: number): number | null {
  if (hasFailed) return null;
  const isUntrained = (seed: number) => (values[seed]?.length ?? 0) <= rung && !training.includes(seed);
  return Array.from({ length: seeds }, (_, seed) => seed).find(isUntrained) ?? null;
}

/** The member to promote next, of the highest rung. */
function nextPromotion(all: readonly MemberProgress[], rules: HalvingRules): MemberProgress | null {
  const { rungCount, seeds } = rules;
  const plain = all.find(({ member }) => member === PLAIN);
  if (plain && plain.rung < rungCount - 1 && !plain.hasFailed && valueAtRung(plain, plain.rung, seeds) !== null)
    return plain;
  let next: MemberProgress | null = null;
  let arrivals: readonly MemberProgress[] = all.filter(({ member }) => member !== PLAIN);
  for (let rung = 0; rung < rungCount - 1; rung++) {
    arrivals = promotedFrom(rung, arrivals, rules);
    next = arrivals.find((progress) => progress.rung === rung) ?? next;
  }
  return next;
}

/** Members promoted from a rung, in order, when `arrivals` reach it one after the other: after each, the best one in η. */
function promotedFrom(
  rung: number,
  arrivals: readonly MemberProgress[],
  { seeds, eta }: HalvingRules,
): MemberProgress[] {
  const promoted = new Set<MemberProgress>();
  const reached: { progress: MemberProgress; value: number }[] = [];
  for (const progress of arrivals) {
    const value = valueAtRung(progress, rung, seeds);
    if (value === null) break;
    reached.push({ progress, value });
    reached.sort((a, b) => b.value - a.value || a.progress.member - b.progress.member);
    for (const one of reached.slice(0, Math.floor(reached.length / eta)))
      if (Number.isFinite(one.value)) promoted.add(one.progress);
  }
  return [...promoted];
}

/**
 * What a search that learns may learn from: the values at the highest rung that at least `enough` members have reached,
 * since values at different rungs cannot be compared (Falkner, Klein & Hutter, BOHB, ICML 2018).
 */
export function comparable(
  all: readonly MemberProgress[],
  rules: HalvingRules,
  enough: number,
): { readonly member: number; readonly value: number }[] {
  const at = (rung: number) =>
    all.flatMap((progress) => {
      const value = valueAtRung(progress, rung, rules.seeds);
      return value === null ? [] : [{ member: progress.member, value }];
    });
  for (let rung = rules.rungCount - 1; rung > 0; rung--) {
    const found = at(rung);
    if (found.filter(({ value }) => Number.isFinite(value)).length >= enough) return found;
  }
  return at(0);
}
