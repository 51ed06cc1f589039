/** The six loss terms, in the one order used by every array, table and chart. Formulas: `engine/losses/reference.ts`. */

export const TERMS = ['mse', 'info_nce', 'moment', 'variance', 'directional', 'anti_copy'] as const;
export type Term = (typeof TERMS)[number];
export const TERM_COUNT = TERMS.length;

/** What a person reads for each term. */
export const TERM_LABELS: Readonly<Record<Term, string>> = {
  mse: 'MSE',
  info_nce: 'InfoNCE',
  moment: 'Moment',
  variance: 'Variance',
  directional: 'Directional',
  anti_copy: 'Anti-copy',
};

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
