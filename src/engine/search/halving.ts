/**
 * Which member of a sweep trains next. Asynchronous successive halving with one worker: Li et al., "A System for
 * Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2 (after Jamieson & Talwalkar 2016). Members train to
 * the first rung; one in η of those that reached a rung goes on to the next, its runs resumed where they ended. The plain
 * recipe (member 0) always goes to the top: the winner is compared with it. Pure: all state is in the arguments.
 */

export interface MemberProgress {
  readonly member: number;
  /** Rung the member has been sent to, from 0. */
  readonly rung: number;
  /** By seed: the objective at each rung reached so far. */
  readonly values: readonly (readonly number[])[];
  /** A run of it failed or was stopped: it goes no further. */
  readonly hasFailed: boolean;
}

export interface HalvingRules {
  /** Members beside the plain recipe. */
  readonly members: number;
  readonly seeds: number;
  readonly rungCount: number;
  readonly eta: number;
}

export type Move =
  /** Train this member's run with this seed (0-based) to the member's rung. */
  | { readonly kind: 'train'; readonly member: number; readonly seed: number; readonly rung: number }
  /** Send this member to the next rung. */
  | { readonly kind: 'promote'; readonly member: number; readonly rung: number }
  /** Propose a member. */
  | { readonly kind: 'propose' }
  | { readonly kind: 'done' };

const PLAIN = 0;

/** Mean over the seeds at a rung; −∞ for a member that failed; null while a seed is missing. */
function valueAtRung(progress: MemberProgress, rung: number, seeds: number): number | null {
  const values = progress.values.slice(0, seeds).map((reached) => reached[rung]);
  const known = values.filter((value): value is number => value !== undefined);
  if (known.length === seeds) return known.reduce((sum, value) => sum + value, 0) / seeds;
  return progress.hasFailed ? -Infinity : null;
}

export function nextMove(all: readonly MemberProgress[], rules: HalvingRules): Move {
  const unfinished = all.find((member) => !member.hasFailed && valueAtRung(member, member.rung, rules.seeds) === null);
  if (unfinished !== undefined) return nextSeed(unfinished, rules);
  const promoted = nextPromotion(all, rules);
  if (promoted !== null) return promoted;
  return all.length < rules.members + 1 ? { kind: 'propose' } : { kind: 'done' };
}

function nextSeed({ member, rung, values }: MemberProgress, { seeds }: HalvingRules): Move {
  const seed = Array.from({ length: seeds }, (_, i) => i).find((i) => (values[i]?.length ?? 0) <= rung) ?? 0;
  return { kind: 'train', member, seed, rung };
}

function nextPromotion(all: readonly MemberProgress[], { rungCount, eta, seeds }: HalvingRules): Move | null {
  for (let rung = rungCount - 2; rung >= 0; rung--) {
    const plain = all.find((one) => one.member === PLAIN && one.rung === rung && !one.hasFailed);
    if (plain !== undefined) return { kind: 'promote', member: PLAIN, rung: rung + 1 };
    const reached = all
      .filter(({ member }) => member !== PLAIN)
      .map((progress) => ({ progress, value: valueAtRung(progress, rung, seeds) }))
      .filter((one): one is { progress: MemberProgress; value: number } => one.value !== null)
      .toSorted((a, b) => b.value - a.value);
    const top = reached.slice(0, Math.floor(reached.length / eta));
    const next = top.find(({ progress, value }) => progress.rung === rung && Number.isFinite(value));
    if (next !== undefined) return { kind: 'promote', member: next.progress.member, rung: rung + 1 };
  }
  return null;
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
