/**
 * Balance: loss weights λ that give each term the share of the gradient asked for, computed from the norms
 * ‖∂term_k/∂raw‖ of the first batches. Pure; the caller measures. K terms in TERMS order.
 */
import { NextvecError } from '../errors.ts';
import { TERMS, byTerm, type Term } from '../models/terms.ts';

/** Share of the gradient each term shall have; terms that are absent or 0 get λ = 0. */
export type AskedShares = Readonly<Partial<Record<Term, number>>>;
export type Lambda = Readonly<Record<Term, number>>;

/** ‖∂term_k/∂raw‖ of each *unweighted* term on one batch, in TERMS order; NaN where the term is undefined. */
export type UnitNorms = ArrayLike<number>;

export interface BalanceRound {
  readonly lambda: Lambda;
  /** Shares these λ gave on the batches of the round. */
  readonly shares: Readonly<Record<Term, number>>;
  /** Largest |share − asked|, 0..1. */
  readonly worst: number;
}

export interface BalanceResult extends BalanceRound {
  readonly asked: Readonly<Record<Term, number>>;
  readonly rounds: readonly BalanceRound[];
  /** Terms that were asked for and have no gradient here (a met hinge, moment at B = 1): no λ can help. */
  readonly silent: readonly Term[];
}

/** Of InfoNCE, and of each further term, until a person says otherwise; MSE has what is left. */
const INFO_SHARE = 0.2;
const OTHER_SHARE = 0.05;
/** λ larger than this is outside what a recipe takes. */
const LAMBDA_LIMIT = 1e6;
const LAMBDA_DIGITS = 4;

/** Shares to begin with, in all 1: MSE leads, InfoNCE helps, every other term that is trained has a little. */
export function suggestedShares(lambda: Lambda): Record<Term, number> {
  const others = TERMS.filter((term) => term !== 'mse' && term !== 'info_nce' && lambda[term] > 0);
  const rest = 1 - OTHER_SHARE * others.length;
  return byTerm((term) => {
    if (term === 'mse') return Number((rest - INFO_SHARE).toFixed(2));
    return term === 'info_nce' ? INFO_SHARE : others.includes(term) ? OTHER_SHARE : 0;
  });
}

/** Asked shares brought to a sum of 1; throws where nothing or something negative is asked. */
export function normaliseShares(asked: AskedShares): Record<Term, number> {
  const shares = byTerm((term) => asked[term] ?? 0);
  const sum = TERMS.reduce((total, term) => total + shares[term], 0);
  if (!(sum > 0) || TERMS.some((term) => shares[term] < 0)) {
    throw new NextvecError('BAD_INPUT', 'Balance needs gradient shares of 0 or more, at least one of them above 0.', {
      remedy: 'Say what share of the gradient each term shall have, e.g. 80 % MSE and 20 % InfoNCE.',
    });
  }
  return byTerm((term) => shares[term] / sum);
}

/** Mean over batches of λ_k·g_k / Σ_j λ_j·g_j: what a run shows as its gradient shares. */
export function gradientShares(lambda: Lambda, batches: readonly UnitNorms[]): Record<Term, number> {
  const sums = byTerm(() => 0);
  for (const norms of batches) {
    const weighted = TERMS.map((term, k) => (lambda[term] > 0 && norms[k] > 0 ? lambda[term] * norms[k] : 0));
    const total = weighted.reduce((a, b) => a + b, 0);
    if (total > 0) TERMS.forEach((term, k) => (sums[term] += weighted[k] / total));
  }
  return byTerm((term) => sums[term] / Math.max(batches.length, 1));
}

/**
 * λ for one set of measured batches. Starts at share/mean norm and corrects by the ratio asked/given until the mean
 * shares hold, because a mean of ratios is not the ratio of means. `anchor`: λ the term with the largest share keeps.
 */
export function solveLambda(asked: AskedShares, batches: readonly UnitNorms[], anchor = 1): Lambda {
  const shares = normaliseShares(asked);
  const mean = byTerm(
    (_, k) => batches.reduce((sum, norms) => sum + (norms[k] > 0 ? norms[k] : 0), 0) / batches.length,
  );
  let lambda: Lambda = byTerm((term) => (shares[term] > 0 && mean[term] > 0 ? shares[term] / mean[term] : 0));
  for (let iteration = 0; iteration < 100; iteration++) {
    const given = gradientShares(lambda, batches);
    lambda = byTerm((term) => (given[term] > 0 ? (lambda[term] * shares[term]) / given[term] : lambda[term]));
  }
  return scaleLambda(lambda, shares, anchor);
}

/** Scales λ so that the largest share's λ is `anchor`, or as near to it as keeps every λ inside the recipe's range. */
function scaleLambda(lambda: Lambda, shares: Readonly<Record<Term, number>>, anchor: number): Lambda {
  const live = TERMS.filter((term) => lambda[term] > 0);
  if (live.length === 0) return lambda;
  const leader = live.reduce((a, b) => (shares[b] > shares[a] ? b : a));
  const largest = Math.max(...live.map((term) => lambda[term]));
  const scale = Math.min(anchor / lambda[leader], LAMBDA_LIMIT / largest);
  return byTerm((term) => Number((lambda[term] * scale).toPrecision(LAMBDA_DIGITS)));
}

export interface BalanceOptions {
  /** λ of the term with the largest share; default 1. */
  readonly anchor?: number;
  /** λ the first round is measured with; default: share in equal parts of the unit norms. */
  readonly start?: Lambda;
  readonly rounds?: number;
  /** Enough when every share is this near to what was asked. */
  readonly tolerance?: number;
}

/**
 * Measures, solves and measures again, because λ changes the path of the first steps. `measure(λ)` trains (or probes)
 * the first batches from the same initial weights and returns the unweighted norms of each batch.
 */
export async function balanceLambda(
  asked: AskedShares,
  measure: (lambda: Lambda) => Promise<readonly UnitNorms[]> | readonly UnitNorms[],
  options: BalanceOptions = {},
): Promise<BalanceResult> {
  const shares = normaliseShares(asked);
  const { anchor = 1, rounds: limit = 4, tolerance = 0.01 } = options;
  const rounds: BalanceRound[] = [];
  let lambda: Lambda = options.start ?? byTerm((term) => (shares[term] > 0 ? 1 : 0));
  let batches = await measure(lambda);
  const silent = TERMS.filter((term, k) => shares[term] > 0 && !batches.some((norms) => norms[k] > 0));
  for (let round = 0; round < limit; round++) {
    lambda = solveLambda(asked, batches, anchor);
    batches = await measure(lambda);
    const given = gradientShares(lambda, batches);
    rounds.push({ lambda, shares: given, worst: Math.max(...TERMS.map((t) => Math.abs(given[t] - shares[t]))) });
    if (rounds[rounds.length - 1].worst <= tolerance) break;
  }
  const best = rounds.reduce((a, b) => (b.worst < a.worst ? b : a));
  return { ...best, asked: shares, rounds, silent };
}
