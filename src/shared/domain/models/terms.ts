/**
 * The loss terms: everything about a term that is not arithmetic. Schema, form, command line, charts and reports are
 * made from this table; what the formulas mean in code is in `tests/reference/losses.ts`.
 */
import { keysOf, recordOf } from '../records.ts';

export type LineColour = 'blue' | 'orange' | 'green' | 'vermillion' | 'sky' | 'purple' | 'yellow' | 'black';
export type LinePattern = 'solid' | 'dash' | 'short-dash' | 'long-dash' | 'dash-dot' | 'dot';

export interface TermRow {
  readonly label: string;
  /** Command-line flag of its λ. */
  readonly flag: string;
  /** Label of its λ in forms and recipe diffs. */
  readonly lambdaLabel: string;
  /** What its λ weighs, for form and command line. */
  readonly help: string;
  /** For the page Method of Help, in its notation (docs/METHOD.md). */
  readonly formula: string;
  /** What to know of it, for the same page. */
  readonly note: string;
  /** λ of a recipe that does not name the term. 0 for every term added later: earlier runs were trained without it. */
  readonly defaultLambda: number;
  /** Range of λ that usually makes sense. */
  readonly usual: readonly [number, number];
  /** Part of the form its λ is in. */
  readonly group: 'loss' | 'more-losses';
  readonly line: { readonly colour: LineColour; readonly pattern: LinePattern };
  /** Fewest rows of a batch, and fewest context vectors, for which the term is defined. */
  readonly minBatch: 1 | 2;
  readonly minContext: 1 | 2;
}

/** In the order of every array, table and chart of terms. */
export const TERM_TABLE = {
  mse: {
    label: 'MSE',
    flag: '--lambda-mse',
    lambdaLabel: 'λ MSE',
    help: 'Weight of the squared error between raw output and target. Its minimiser shrinks the output to the cosine.',
    formula: 'mean over B·D of (raw − y)²',
    note: 'its minimiser shrinks |raw| to the cosine',
    defaultLambda: 1,
    usual: [0, 10],
    group: 'loss',
    line: { colour: 'blue', pattern: 'solid' },
    minBatch: 1,
    minContext: 1,
  },
  info_nce: {
    label: 'InfoNCE',
    flag: '--lambda-info',
    lambdaLabel: 'λ InfoNCE',
    help: 'Weight of the in-batch contrastive loss. It is hundreds of times larger than MSE: 0.5 beside 0.5 means InfoNCE alone.',
    formula: 'CE(P·Tᵀ/τ, diagonal) + CE(T·Pᵀ/τ, diagonal), each a mean over the batch',
    note: 'chance is 2·ln B. Overlapping windows in one batch are false negatives',
    defaultLambda: 0,
    usual: [0, 1],
    group: 'loss',
    line: { colour: 'vermillion', pattern: 'dash' },
    minBatch: 1,
    minContext: 1,
  },
  moment: {
    label: 'Moment',
    flag: '--lambda-moment',
    lambdaLabel: 'λ moment',
    help: 'Weight of matching mean and spread of the batch to the targets. Needs a batch of at least 2; noisy below 64.',
    formula: 'mean_d (μ_raw − μ_y)² + mean_d (σ_raw − σ_y)²',
    note: 'σ over the batch, unbiased: undefined for B = 1',
    defaultLambda: 0,
    usual: [0, 1],
    group: 'loss',
    line: { colour: 'green', pattern: 'dash-dot' },
    minBatch: 2,
    minContext: 1,
  },
  variance: {
    label: 'Variance',
    flag: '--lambda-variance',
    lambdaLabel: 'λ variance',
    help: 'Weight of the hinge that keeps predictions spread out. With target 1 no unit vector can ever meet it.',
    formula: 'mean_d max(0, target − σ_d(p))',
    note: "a unit vector's σ_d is at most about 1/√D: a target of 1 is never met",
    defaultLambda: 0,
    usual: [0, 1],
    group: 'loss',
    line: { colour: 'purple', pattern: 'short-dash' },
    minBatch: 2,
    minContext: 1,
  },
  directional: {
    label: 'Directional',
    flag: '--lambda-dir',
    lambdaLabel: 'λ directional',
    help: 'Weight of the hinge that wants the prediction nearer to the target than to the second-last context vector.',
    formula: 'mean max(0, m − (cos(p, t) − cos(p, x_{T−1}))), m = 0.05',
    note: 'nearer to the target than to the second-last vector',
    defaultLambda: 0,
    usual: [0, 1],
    group: 'more-losses',
    line: { colour: 'orange', pattern: 'long-dash' },
    minBatch: 1,
    minContext: 2,
  },
  anti_copy: {
    label: 'Anti-copy',
    flag: '--lambda-ac',
    lambdaLabel: 'λ anti-copy',
    help: 'Weight of the hinge that wants the prediction nearer to the target than to any context vector.',
    formula: 'mean over positions i of max(0, m − (cos(p, t) − cos(p, x_i))), m = 0.02',
    note: 'nearer to the target than to any context vector',
    defaultLambda: 0,
    usual: [0, 1],
    group: 'more-losses',
    line: { colour: 'sky', pattern: 'dot' },
    minBatch: 1,
    minContext: 1,
  },
  cosine: {
    label: 'Cosine',
    flag: '--lambda-cos',
    lambdaLabel: 'λ cosine',
    help: 'Weight of 1 − cosine between output and target. It trains the direction alone: the length of the output is free. On speeches → novel AMN reached validation 0.511 and OOD 0.318 by it, 0.476 and 0.372 by MSE.',
    formula: 'mean (1 − cos(raw, y))',
    note: 'the length of the output is free',
    defaultLambda: 0,
    usual: [0, 1],
    group: 'more-losses',
    line: { colour: 'yellow', pattern: 'dash' },
    minBatch: 1,
    minContext: 1,
  },
} as const satisfies Record<string, TermRow>;

export type Term = keyof typeof TERM_TABLE;
export const TERMS: readonly Term[] = keysOf(TERM_TABLE);
export const TERM_COUNT = TERMS.length;

/** A value for each term. */
export function byTerm<V>(value: (term: Term, k: number) => V): Record<Term, V> {
  return recordOf(TERMS, value);
}

/** λ of every term; 0 for those not named. */
export function lambdaOf(named: Partial<Record<Term, number>>): Record<Term, number> {
  return byTerm((term) => named[term] ?? 0);
}

export const TERM_LABELS: Readonly<Record<Term, string>> = byTerm((term) => TERM_TABLE[term].label);

export function isTerm(name: string): name is Term {
  return Object.hasOwn(TERM_TABLE, name);
}

/** Label of a term, also of one that only a newer version knows: its key. */
export function termLabel(name: string): string {
  return isTerm(name) ? TERM_LABELS[name] : name;
}

/** Whether a batch of B rows with T context vectors each defines the term. */
export function isTermDefined(term: Term, B: number, T: number): boolean {
  return B >= TERM_TABLE[term].minBatch && T >= TERM_TABLE[term].minContext;
}

export interface LossConfig {
  /** λ of each term; 0 means measured and shown but not trained on. */
  readonly weights: Readonly<Record<Term, number>>;
  /** InfoNCE temperature, > 0. */
  readonly tau: number;
  /** Margin of the directional term, in cosine. */
  readonly marginDirectional: number;
  /** Margin of the anti-copy term, in cosine. */
  readonly marginAntiCopy: number;
  /** Target σ of the variance hinge: 1 in the reference formula, 1/√D is what a unit vector can reach. */
  readonly varianceTarget: number;
}

/** InfoNCE of a model that knows nothing: two cross entropies over B candidates, 2·ln B. */
export function infoNceChance(batchSize: number): number {
  return 2 * Math.log(batchSize);
}
