/**
 * Predictors that any model has to beat, fitted on training windows: mean of context, last vector, weighted mean (T
 * scalars by least squares), ridge (that plus a D×D residual, its λ chosen on validation windows), pooled ridge
 * (`pooled-ridge.ts`), and the floor,
 * context means compared with the targets of other windows. N rows of a block, T context length, D vector width.
 */
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import { entriesOf, recordOf } from '#shared/domain/records.ts';
import { BASELINES, type BaselineName, type Baselines } from '#shared/domain/runs/training.ts';
import type { Predictor } from './ablations.ts';
import { choleskyFactor, choleskySolve, plainProduct, type MatrixProduct } from './matrix.ts';
import { pooledPredictions, pooledSums, ridgeSystem, solvePooledRidge, type RidgeSystem } from './pooled-ridge.ts';
import type { Between } from './score.ts';
import { groupSums, groupsOf } from './run-intervals.ts';
import { cosine, dot, weightedMeans } from './vectors.ts';
import { blocks, evenlySpread, shuffledBlocks, type Split, type WindowBlock } from './windows.ts';

export interface FitOptions {
  /** Matrix product to use; `tfjs/matrix.ts` has a fast one. */
  readonly product?: MatrixProduct;
  /** Largest number of training windows used for the fit, evenly spread; the fit takes time in proportion. */
  readonly maxFitRows?: number;
  readonly between?: Between;
}

export interface FittedBaselines {
  /** Weight of each context position, [T]. */
  readonly weights: Float64Array;
  /** Residual map [D, D] on the weighted mean x: prediction x + x·W; null where it was not fitted. */
  readonly ridge: Float32Array | null;
  /** λ of the ridge in units of the mean eigenvalue of XᵀX. */
  readonly ridgeStrength: number | null;
  /** Map of [p, x_T], [2D, D]; null where it was not fitted. */
  readonly pooledRidge: Float32Array | null;
}

export type BaselineCosines = Record<BaselineName, number>;
/** Cosines to the targets, one a window. */
export type BaselineRows = Partial<Record<BaselineName, Float32Array>>;

const MAX_FIT_ROWS = 16_384;
const MAX_SELECTION_ROWS = 1024;
const FIT_BLOCK_ROWS = 2048;
/** Tried in units of the mean eigenvalue, from the middle outwards as long as it helps. */
const RIDGE_STRENGTHS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const RIDGE_START = 4;

/** Fits on `train`; `validation` only chooses the ridge's λ. null when `between` ended it. */
export async function fitBaselines(
  train: Split,
  validation: Split,
  { product = plainProduct, maxFitRows = MAX_FIT_ROWS, between = () => true }: FitOptions = {},
): Promise<FittedBaselines | null> {
  const fitOn = evenlySpread(train, maxFitRows);
  const weights = await fitWeights(fitOn, between);
  if (!weights) return null;
  const sums = await pooledSums(fitOn, weights, product, between);
  if (!sums) return null;
  const selection = evenlySpread(validation, MAX_SELECTION_ROWS);
  const chosen = await chooseRidge(ridgeSystem(sums), weights, selection, product, between);
  return chosen && { weights, ...chosen, pooledRidge: solvePooledRidge(sums) };
}

/** argmin_w Σ ‖Σ_t w_t·c_t − y‖². [T] */
async function fitWeights(split: Split, between: Between): Promise<Float64Array | null> {
  const { T, D } = split.source;
  const gram = new Float64Array(T * T);
  const toTarget = new Float64Array(T);
  for (const { contexts, targets, B } of blocks(split)) {
    for (let row = 0; row < B; row++) {
      for (let s = 0; s < T; s++) {
        toTarget[s] += dot(contexts, row * T + s, targets, row, D);
        for (let t = 0; t <= s; t++) gram[s * T + t] += dot(contexts, row * T + s, contexts, row * T + t, D);
      }
    }
    if (!(await between())) return null;
  }
  for (let s = 0; s < T; s++) for (let t = 0; t < s; t++) gram[t * T + s] = gram[s * T + t];
  // Positions that repeat each other leave the weights undetermined; this picks the smallest of them.
  strengthen(gram, T, 1e-9);
  choleskyFactor(gram, T);
  choleskySolve(gram, T, toTarget, 1);
  return toTarget;
}

/** Adds `strength` times the mean of the diagonal to the diagonal. */
function strengthen(matrix: Float64Array, n: number, strength: number): void {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += matrix[i * n + i];
  const shift = Math.max((strength * trace) / n, Number.MIN_VALUE);
  for (let i = 0; i < n; i++) matrix[i * n + i] += shift;
}

/** Walks the strengths from the middle in the direction that raises the validation cosine. */
async function chooseRidge(
  system: RidgeSystem,
  weights: Float64Array,
  validation: Split,
  product: MatrixProduct,
  between: Between,
): Promise<Pick<FittedBaselines, 'ridge' | 'ridgeStrength'> | null> {
  type Candidate = { ridge: Float32Array; cosine: number; at: number };
  const attempt = (at: number): Candidate => {
    const ridge = solveRidge(system, RIDGE_STRENGTHS[at]);
    return { ridge, at, cosine: ridgeCosine(validation, weights, ridge, product) };
  };
  let best = attempt(RIDGE_START);
  for (const direction of [1, -1]) {
    const startedAt = best.at;
    for (let at = startedAt + direction; at >= 0 && at < RIDGE_STRENGTHS.length; at += direction) {
      if (!(await between())) return null;
      const candidate = attempt(at);
      if (!(candidate.cosine > best.cosine)) break;
      best = candidate;
    }
    if (best.at !== startedAt) break;
  }
  return { ridge: best.ridge, ridgeStrength: RIDGE_STRENGTHS[best.at] };
}

/** (XᵀX + λI)⁻¹ Xᵀ(Y − X). [D, D] */
function solveRidge({ xx, xr, D }: RidgeSystem, strength: number): Float32Array {
  const factor = xx.slice();
  strengthen(factor, D, strength);
  choleskyFactor(factor, D);
  const solution = xr.slice();
  choleskySolve(factor, D, solution, D);
  return Float32Array.from(solution);
}

function ridgeCosine(split: Split, weights: Float64Array, ridge: Float32Array, product: MatrixProduct): number {
  const { D } = split.source;
  let sum = 0;
  for (const block of blocks(split, FIT_BLOCK_ROWS)) {
    const predictions = ridgePredictions(weightedMeans(block, weights, D), ridge, product, block.B, D);
    for (let row = 0; row < block.B; row++) sum += cosine(predictions, row, block.targets, row, D);
  }
  return sum / split.ids.length;
}

/** x + x·W for x [N, D]. */
function ridgePredictions(
  x: Float32Array,
  ridge: Float32Array,
  product: MatrixProduct,
  N: number,
  D: number,
): Float32Array {
  const residual = product(x, ridge, N, D, D);
  return x.map((value, i) => value + residual[i]);
}

type Fittable = Exclude<BaselineName, 'shuffled'>;

/** The baselines as predictors of raw [B, D], usable wherever a model is. */
export function baselinePredictors(
  { weights, ridge, pooledRidge }: FittedBaselines,
  D: number,
  product: MatrixProduct = plainProduct,
): Partial<Record<Fittable, Predictor>> {
  const T = weights.length;
  const weightedBy = (of: ArrayLike<number>): Predictor => ({
    predict: (contexts, B) => ({ raw: weightedMeans({ contexts, B }, of, D) }),
  });
  const predictors: Partial<Record<Fittable, Predictor>> = {
    contextMean: weightedBy(Array.from({ length: T }, () => 1 / T)),
    lastVector: weightedBy(Array.from({ length: T }, (_, t) => (t === T - 1 ? 1 : 0))),
    weightedMean: weightedBy(weights),
  };
  if (ridge) {
    predictors.ridge = {
      predict: (contexts, B) => ({
        raw: ridgePredictions(weightedMeans({ contexts, B }, weights, D), ridge, product, B, D),
      }),
    };
  }
  if (pooledRidge) {
    predictors.pooledRidge = {
      predict: (contexts, B) => ({ raw: pooledPredictions(pooledRidge, { contexts, B }, weights, product) }),
    };
  }
  return predictors;
}

/** Cosines of each fitted baseline on a split, one a window. null when `between` ended it. */
export async function baselineRows(
  fitted: FittedBaselines,
  split: Split,
  seed: number,
  { product = plainProduct, between = () => true }: FitOptions = {},
): Promise<BaselineRows | null> {
  const { D } = split.source;
  const predictors = entriesOf(baselinePredictors(fitted, D, product));
  const rows: BaselineRows = { shuffled: new Float32Array(split.ids.length) };
  for (const [name] of predictors) rows[name] = new Float32Array(split.ids.length);
  const score = (name: BaselineName, raw: Float32Array, targets: Float32Array, { start, B }: WindowBlock) => {
    for (let row = 0; row < B; row++) rows[name]![start + row] = cosine(raw, row, targets, row, D);
  };
  for (const { block, others } of shuffledBlocks(split, seed)) {
    for (const [name, predictor] of predictors) {
      const { raw } = await predictor.predict(block.contexts, block.B);
      score(name, raw, block.targets, block);
      if (name === 'contextMean') score('shuffled', raw, others, block);
    }
    if (!(await between())) return null;
  }
  return rows;
}

/** Mean of each baseline's cosines; NaN where there are none. */
export function meanCosines(rows: BaselineRows): BaselineCosines {
  const mean = (values: Float32Array | undefined) =>
    values ? values.reduce((sum, value) => sum + value, 0) / values.length : NaN;
  return recordOf(BASELINES, (name) => mean(rows[name]));
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** What a run keeps of its baselines. */
export interface MeasuredBaselines {
  readonly baselines: Baselines;
  /** Their cosines over the articles, for the intervals of lifts. */
  readonly sums: CosineSums;
}

export interface BaselineSplits {
  readonly train: Split;
  readonly validation: Split;
  readonly ood?: Split;
}

/** Multiply-adds of fitting and scoring, about; the number of ridges tried is not known before. */
export function baselineWork({ train, validation, ood }: BaselineSplits): number {
  const { T, D } = train.source;
  const fitRows = Math.min(train.ids.length, MAX_FIT_ROWS);
  const selectionRows = Math.min(validation.ids.length, MAX_SELECTION_ROWS);
  const scoredRows = validation.ids.length + (ood?.ids.length ?? 0);
  const ridges = RIDGE_STRENGTHS.length;
  const products = 5 * fitRows + ridges * selectionRows + 3 * scoredRows;
  const solutions = (ridges + 6) * D;
  return D * D * (products + solutions) + (fitRows * D * T * T) / 2;
}

/** Fits and scores in the shape of an epoch record; null when `between` ended it. */
export async function measureBaselines(
  splits: BaselineSplits,
  seed: number,
  options: FitOptions = {},
): Promise<MeasuredBaselines | null> {
  const fitted = await fitBaselines(splits.train, splits.validation, options);
  if (!fitted) return null;
  const validation = await baselineRows(fitted, splits.validation, seed, options);
  if (!validation) return null;
  const ood = splits.ood ? await baselineRows(fitted, splits.ood, seed, options) : null;
  if (splits.ood && !ood) return null;
  const means = { validation: meanCosines(validation), ood: ood && meanCosines(ood) };
  const baselines = recordOf(BASELINES, (name) => ({
    valCosine: finite(means.validation[name]),
    oodCosine: finite(means.ood?.[name]),
  }));
  const sums = {
    validation: groupSums(validation, groupsOf(splits.validation)),
    ood: splits.ood && ood ? groupSums(ood, groupsOf(splits.ood)) : null,
  };
  return { baselines, sums };
}
