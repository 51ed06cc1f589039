/**
 * Pooled ridge: p + [p, x_T]·V with p the weighted mean of the context and x_T its last vector,
 * V = (XᵀX + λI)⁻¹Xᵀ(Y − p), X = [p, x_T]. Fitted on training windows only, λ is fixed: 2D² numbers for all positions
 * together, which out of distribution is the strongest baseline without a gate. N rows of a block, D vector width.
 */
import { choleskyFactor, choleskySolve, transpose, type MatrixProduct } from './matrix.ts';
import type { Between } from './score.ts';
import { squaredNorm, weightedMeans } from './vectors.ts';
import { blocks, type Split } from './windows.ts';

/** For vectors of unit length; others scale it by their mean squared length. */
const LAMBDA = 300;
const FIT_BLOCK_ROWS = 2048;

/** Sums over the rows of X = [p, x_T] and the residual Y − p: float32 products of a block, float64 sums. */
export interface PooledSums {
  /** XᵀX, lower triangle. [2D, 2D] */
  readonly gram: Float64Array;
  /** Xᵀ(Y − p). [2D, D] */
  readonly toResidual: Float64Array;
  /** Mean of |x_T|². */
  readonly meanSquare: number;
  readonly D: number;
}

/** null when `between` ended it. */
export async function pooledSums(
  split: Split,
  weights: Float64Array,
  product: MatrixProduct,
  between: Between,
): Promise<PooledSums | null> {
  const { D } = split.source;
  const gram = new Float64Array(4 * D * D);
  const toResidual = new Float64Array(2 * D * D);
  let squares = 0;
  for (const { contexts, targets, B } of blocks(split, FIT_BLOCK_ROWS)) {
    const p = weightedMeans({ contexts, B }, weights, D);
    const last = lastVectors(contexts, weights.length, B, D);
    const residual = targets.map((y, i) => y - p[i]);
    const pColumns = transpose(p, B, D);
    const lastColumns = transpose(last, B, D);
    addBlock(gram, product(pColumns, p, D, B, D), { row: 0, column: 0, pitch: 2 * D, D });
    addBlock(gram, product(lastColumns, p, D, B, D), { row: D, column: 0, pitch: 2 * D, D });
    addBlock(gram, product(lastColumns, last, D, B, D), { row: D, column: D, pitch: 2 * D, D });
    addBlock(toResidual, product(pColumns, residual, D, B, D), { row: 0, column: 0, pitch: D, D });
    addBlock(toResidual, product(lastColumns, residual, D, B, D), { row: D, column: 0, pitch: D, D });
    for (let row = 0; row < B; row++) squares += squaredNorm(last, row, D);
    if (!(await between())) return null;
  }
  return { gram, toResidual, meanSquare: squares / split.ids.length, D };
}

/** V, [2D, D]. */
export function solvePooledRidge({ gram, toResidual, meanSquare, D }: PooledSums): Float32Array {
  const factor = gram.slice();
  const shift = Math.max(LAMBDA * meanSquare, Number.MIN_VALUE);
  for (let i = 0; i < 2 * D; i++) factor[i * 2 * D + i] += shift;
  choleskyFactor(factor, 2 * D);
  const solution = toResidual.slice();
  choleskySolve(factor, 2 * D, solution, D);
  return Float32Array.from(solution);
}

/** The part of p alone: pᵀp and pᵀ(Y − p), both [D, D]. */
export function ridgeSystem({ gram, toResidual, D }: PooledSums): RidgeSystem {
  const xx = new Float64Array(D * D);
  for (let row = 0; row < D; row++) xx.set(gram.subarray(row * 2 * D, row * 2 * D + D), row * D);
  return { xx, xr: toResidual.slice(0, D * D), D };
}

export interface RidgeSystem {
  /** XᵀX [D, D]. */
  readonly xx: Float64Array;
  /** Xᵀ(Y − X) [D, D]. */
  readonly xr: Float64Array;
  readonly D: number;
}

/** Last vector of each context. [N, D] */
function lastVectors(contexts: Float32Array, T: number, N: number, D: number): Float32Array {
  const last = new Float32Array(N * D);
  for (let row = 0; row < N; row++) {
    last.set(contexts.subarray((row * T + T - 1) * D, (row + 1) * T * D), row * D);
  }
  return last;
}

/** Adds a block [D, D] at a place of a matrix with rows of `pitch`. */
function addBlock(
  matrix: Float64Array,
  block: Float32Array,
  { row, column, pitch, D }: { row: number; column: number; pitch: number; D: number },
): void {
  for (let i = 0; i < D; i++) {
    for (let j = 0, at = (row + i) * pitch + column; j < D; j++, at++) matrix[at] += block[i * D + j];
  }
}

/** p + [p, x_T]·V of contexts [N, T, D]. */
export function pooledPredictions(
  map: Float32Array,
  { contexts, B }: { contexts: Float32Array; B: number },
  weights: Float64Array,
  product: MatrixProduct,
): Float32Array {
  const T = weights.length;
  const D = contexts.length / (B * T);
  const p = weightedMeans({ contexts, B }, weights, D);
  const ofMean = product(p, map.subarray(0, D * D), B, D, D);
  const ofLast = product(lastVectors(contexts, T, B, D), map.subarray(D * D), B, D, D);
  return p.map((value, i) => value + ofMean[i] + ofLast[i]);
}
