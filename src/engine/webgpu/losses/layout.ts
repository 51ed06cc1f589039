/** What the kernels of the loss head pass to one another. B rows of a batch, T context length, D width. */
import {
  COEFFICIENTS,
  DIMENSION_FIELDS,
  ROW_FIELDS,
  type Coefficient,
  type DimensionField,
} from '../../losses/terms.ts';
import type { Tensor } from '../device/memory.ts';

export interface LossSizes {
  readonly T: number;
  readonly D: number;
  /** Rows that there is room for. */
  readonly maxB: number;
}

/** Whose sums over the batch become figures. */
const SUMMED_FIELDS = [
  ...ROW_FIELDS,
  /** 1 where Σ_d (raw − target)² is no finite number. */
  'nonFinite',
] as const;
const FIELDS = [...SUMMED_FIELDS, 'inverseNorm', 'inverseTargetNorm', 'rowLogSumExp', 'columnLogSumExp'] as const;
type Field = (typeof FIELDS)[number];
/** Floats of each row in `LossTensors.rows`. */
export const FIELD_COUNT = FIELDS.length;

/** Vectors of 4 that hold the sums over rows, then those over dimensions. */
export const ROW_VECTORS = Math.ceil(SUMMED_FIELDS.length / 4);
export const DIMENSION_VECTORS = Math.ceil(DIMENSION_FIELDS.length / 4);
export const FIGURE_COUNT = 4 * (ROW_VECTORS + DIMENSION_VECTORS);

/** Position in the figures. */
export function figureOf(name: (typeof SUMMED_FIELDS)[number] | DimensionField): number {
  const row = SUMMED_FIELDS.findIndex((field) => field === name);
  return row >= 0 ? row : 4 * ROW_VECTORS + DIMENSION_FIELDS.findIndex((field) => field === name);
}

/** Columns that one workgroup of a sum over the batch takes, and threads that share each of them. */
export const COLUMNS = 16;
export const COLUMN_THREADS = 16;

/** Workgroups for a sum over the batch of each of `columns` columns. */
export function columnGroups(columns: number): number {
  return Math.ceil(columns / COLUMNS);
}

/** Least norm that a vector is divided by; see tests/reference/losses.ts. */
export const MIN_NORM = 1e-12;

export interface LossTensors {
  /** [B][D] */
  readonly raw: Tensor;
  readonly targets: Tensor;
  /** [B][T][D] */
  readonly contexts: Tensor;
  /** [FIELD_COUNT][maxB] */
  readonly rows: Tensor;
  /** cos(raw, x_t), then 1/|x_t|. [2][maxB·T] */
  readonly positions: Tensor;
  /** [COEFFICIENTS][D] */
  readonly coefficients: Tensor;
  /** `DIMENSION_FIELDS` of `COLUMNS` dimensions each. [columnGroups(D)][4·DIMENSION_VECTORS] */
  readonly dimensions: Tensor;
  /** raw·targetᵀ, later the gradient on it. [maxB][maxB] */
  readonly products: Tensor;
  /** ∂InfoNCE/∂unit prediction [B][D]. */
  readonly dunit: Tensor;
  /** ∂total/∂raw [B][D]. */
  readonly draw: Tensor;
  /** Sums over the batch; see `figureOf`. [FIGURE_COUNT] */
  readonly figures: Tensor;
}

/** WGSL: a field of row `b`. */
export function rowField(name: Field, b: string, { maxB }: LossSizes): string {
  return `rows[${FIELDS.indexOf(name) * maxB}u + ${b}]`;
}

/** WGSL: a coefficient of dimension `d`. */
export function coefficient(name: Coefficient, d: string, { D }: LossSizes): string {
  return `coefficients[${COEFFICIENTS.indexOf(name) * D}u + ${d}]`;
}

/** WGSL: a value of one dimension in the `results` of batch-statistics.ts. */
export function dimensionResult(name: DimensionField): string {
  const k = DIMENSION_FIELDS.indexOf(name);
  return `results[${Math.floor(k / 4)}][${k % 4}]`;
}

/** WGSL: cos(raw, x_t) of position b·T + t, and 1/|x_t|. */
export function contextCosine(position: string): string {
  return `positions[${position}]`;
}
export function inverseContextNorm(position: string, { maxB, T }: LossSizes): string {
  return `positions[${maxB * T}u + ${position}]`;
}
