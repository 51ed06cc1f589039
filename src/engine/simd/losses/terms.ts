/**
 * How the value and the gradient norm of each loss term follow from what the kernels leave; one row a term. How to add
 * one: abi/losses.ts.
 */
import type { Term } from '#shared/domain/models/terms.ts';
import type { DimensionResults, RowResults } from '../abi/losses.ts';

/** Sums over all rows and over all dimensions of one batch. B rows, T context length, D width. */
export interface LossSums {
  readonly rows: Readonly<Record<keyof RowResults, number>>;
  readonly dimensions: Readonly<Record<keyof DimensionResults, number>>;
  readonly B: number;
  readonly T: number;
  readonly D: number;
}

export interface TermResult {
  readonly value: (sums: LossSums) => number;
  /** ‖∂term/∂raw‖, without λ. */
  readonly gradNorm: (sums: LossSums) => number;
}

export const TERM_RESULTS: Readonly<Record<Term, TermResult>> = {
  mse: {
    value: ({ rows, B, D }) => rows.squaredError / (B * D),
    gradNorm: ({ rows, B, D }) => (2 * Math.sqrt(rows.squaredError)) / (B * D),
  },
  info_nce: {
    value: ({ rows, B }) => (rows.crossEntropy + rows.columnCrossEntropy) / B,
    gradNorm: ({ rows }) => Math.sqrt(rows.norm2InfoNce),
  },
  moment: {
    value: ({ dimensions, D }) => (dimensions.mean2 + dimensions.sigma2) / D,
    gradNorm: ({ dimensions, D }) => (2 / D) * Math.sqrt(dimensions.momentGradient2),
  },
  variance: {
    value: ({ dimensions, D }) => dimensions.hinge / D,
    gradNorm: ({ rows }) => Math.sqrt(rows.norm2Variance),
  },
  directional: {
    value: ({ rows, B }) => rows.directional / B,
    gradNorm: ({ rows }) => Math.sqrt(rows.norm2Directional),
  },
  anti_copy: {
    value: ({ rows, B, T }) => rows.antiCopy / (B * T),
    gradNorm: ({ rows }) => Math.sqrt(rows.norm2AntiCopy),
  },
  cosine: {
    value: ({ rows, B }) => 1 - rows.cosine / B,
    gradNorm: ({ rows }) => Math.sqrt(rows.norm2Cosine),
  },
};
