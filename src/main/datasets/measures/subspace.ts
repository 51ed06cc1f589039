/**
 * Directions of a sample of vectors: their mean, the k directions that hold most of it (orthogonal iteration on X·Xᵀ, not
 * centred), and how much two such subspaces overlap. X [n, D] row-major float32; a basis is k rows of D, orthonormal.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Random } from '#engine/random.ts';
import { dot } from './passport.ts';

const ITERATIONS = 8;
/** Rows between two yields to the event loop. */
const BLOCK_ROWS = 400;

export function unitMean(X: Float32Array, D: number): Float64Array {
  const mean = new Float64Array(D);
  for (let row = 0; row < X.length; row += D) for (let d = 0; d < D; d++) mean[d] += X[row + d];
  const norm = Math.hypot(...mean);
  return norm > 0 ? mean.map((x) => x / norm) : mean;
}

/** k orthonormal rows [k, D], starting from random ones. */
export async function leadingSubspace(X: Float32Array, D: number, k: number, random: Random): Promise<Float32Array> {
  const n = X.length / D;
  const basis = Float32Array.from({ length: k * D }, () => random.normal());
  orthonormalise(basis, D);
  const next = new Float64Array(k * D);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    next.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) {
        const weight = dot(X, i * D, basis, j * D, D);
        for (let d = 0; d < D; d++) next[j * D + d] += weight * X[i * D + d];
      }
      if (i % BLOCK_ROWS === 0) await nextTurn();
    }
    const scale = Math.sqrt(n);
    for (let i = 0; i < next.length; i++) basis[i] = next[i] / scale;
    orthonormalise(basis, D);
  }
  return basis;
}

/** Gram-Schmidt, twice over for accuracy; a row with nothing left becomes zero. */
function orthonormalise(basis: Float32Array, D: number): void {
  const k = basis.length / D;
  for (let j = 0; j < k; j++) {
    const before = Math.sqrt(dot(basis, j * D, basis, j * D, D));
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        const along = dot(basis, j * D, basis, i * D, D);
        for (let d = 0; d < D; d++) basis[j * D + d] -= along * basis[i * D + d];
      }
    }
    const norm = Math.sqrt(dot(basis, j * D, basis, j * D, D));
    const scale = norm > 1e-6 * before && norm > 0 ? 1 / norm : 0;
    for (let d = 0; d < D; d++) basis[j * D + d] *= scale;
  }
}

/** Mean squared cosine of the principal angles: 1 the same subspace, k/D what two random ones have. */
export function subspaceOverlap(a: Float32Array, b: Float32Array, D: number): number {
  const k = a.length / D;
  let sum = 0;
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) sum += dot(a, i * D, b, j * D, D) ** 2;
  return Math.min(1, sum / k);
}
