/**
 * How the value and the gradient norm of each loss term follow from what an engine's kernels leave; one row a term. How
 * to add one: ../simd/abi/losses.ts.
 */
import { TERMS, TERM_COUNT, isTermDefined, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import type { InfoNceMode } from './info-nce.ts';

/** What the kernels leave for each row of a batch; see `RowResults` in ../simd/abi/losses.ts. */
export const ROW_FIELDS = [
  'squaredError',
  'cosine',
  'directional',
  'antiCopy',
  'crossEntropy',
  'columnCrossEntropy',
  'norm2InfoNce',
  'norm2Variance',
  'norm2Directional',
  'norm2AntiCopy',
  'norm2Cosine',
] as const;
export type RowField = (typeof ROW_FIELDS)[number];

/** What they leave for each dimension; see `DimensionResults` there. */
export const DIMENSION_FIELDS = ['mean2', 'sigma2', 'hinge', 'momentGradient2'] as const;
export type DimensionField = (typeof DIMENSION_FIELDS)[number];

/** Vectors [D] that the gradients need of the batch statistics; see `Coefficients` there. */
export const COEFFICIENTS = ['momentOffset', 'momentSlope', 'rawMean', 'varianceSlope', 'unitMean'] as const;
export type Coefficient = (typeof COEFFICIENTS)[number];

/** Sums over all rows and over all dimensions of one batch. B rows, T context length, D width. */
export interface LossSums {
  readonly rows: Readonly<Record<RowField, number>>;
  readonly dimensions: Readonly<Record<DimensionField, number>>;
  readonly B: number;
  readonly T: number;
  readonly D: number;
}

interface TermResult {
  readonly value: (sums: LossSums) => number;
  /** ‖∂term/∂raw‖, without λ. */
  readonly gradNorm: (sums: LossSums) => number;
}

const TERM_RESULTS: Readonly<Record<Term, TermResult>> = {
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

/** Values and gradient norms in `TERMS` order: NaN where the batch does not define or the step did not measure the term. */
export interface LossResults {
  /** Σ λ·value of the terms with λ ≠ 0. */
  readonly total: number;
  readonly values: Float64Array;
  /** ‖λ·∂term/∂raw‖. */
  readonly gradNorms: Float64Array;
  /** Mean cosine of prediction and target. */
  readonly cosine: number;
}

export function lossResults(sums: LossSums, loss: LossConfig, infoNce: InfoNceMode): LossResults {
  const { rows, B, T } = sums;
  const values = new Float64Array(TERM_COUNT).fill(Number.NaN);
  const gradNorms = new Float64Array(TERM_COUNT);
  let total = 0;
  TERMS.forEach((term, k) => {
    if (!isTermDefined(term, B, T)) {
      gradNorms[k] = Number.NaN;
      return;
    }
    const { value, gradNorm } = TERM_RESULTS[term];
    if (term !== 'info_nce' || infoNce !== 'none') values[k] = value(sums);
    const lambda = loss.weights[term];
    if (lambda === 0) return;
    total += lambda * values[k];
    gradNorms[k] = Math.abs(lambda) * gradNorm(sums);
  });
  return { total, values, gradNorms, cosine: rows.cosine / B };
}
