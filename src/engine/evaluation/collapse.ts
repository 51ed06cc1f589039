/** How alike a set of vectors is: diversity and effective rank, the early signs of collapse. N rows, D vector width. */
import { symmetricEigenvalues } from './eigenvalues.ts';

/** 1 − mean pairwise cosine of unit rows [N, D]; null below two rows. */
export function diversity(unit: Float32Array, D: number): number | null {
  const N = unit.length / D;
  if (N < 2) return null;
  const sum = columnSums(unit, D);
  let squaredSum = 0;
  for (const x of sum) squaredSum += x * x;
  let squares = 0;
  for (const x of unit) squares += x * x;
  return 1 - (squaredSum - squares) / (N * (N - 1));
}

/**
 * exp(entropy) of the covariance's eigenvalue distribution of rows [N, D]: how many directions they spread over, at
 * most min(N − 1, D). Through the smaller of Gram and covariance matrix, which share their eigenvalues. null where the
 * rows do not vary or are not finite.
 */
export function effectiveRank(rows: Float32Array, D: number): number | null {
  const N = rows.length / D;
  if (N < 2) return null;
  const centred = centre(rows, D);
  const matrix = N <= D ? gram(centred, N, D) : covariance(centred, N, D);
  if (!matrix.every(Number.isFinite)) return null;
  const eigenvalues = symmetricEigenvalues(matrix, Math.min(N, D));
  const positive = eigenvalues.filter((x) => x > 0);
  const total = positive.reduce((a, b) => a + b, 0);
  if (total <= 1e-12 * N) return null;
  const entropy = positive.reduce((sum, x) => sum - (x / total) * Math.log(x / total), 0);
  return Math.exp(entropy);
}

function columnSums(rows: Float32Array, D: number): Float64Array {
  const sums = new Float64Array(D);
  for (let i = 0; i < rows.length; i += D) for (let d = 0; d < D; d++) sums[d] += rows[i + d];
  return sums;
}

function centre(rows: Float32Array, D: number): Float64Array {
  const N = rows.length / D;
  const mean = columnSums(rows, D).map((sum) => sum / N);
  const centred = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += D) for (let d = 0; d < D; d++) centred[i + d] = rows[i + d] - mean[d];
  return centred;
}

/** centred · centredᵀ [N, N]. */
function gram(centred: Float64Array, N: number, D: number): Float64Array {
  const matrix = new Float64Array(N * N);
  for (let a = 0; a < N; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = a * D, j = b * D, end = i + D; i < end; i++, j++) sum += centred[i] * centred[j];
      matrix[a * N + b] = sum;
      matrix[b * N + a] = sum;
    }
  }
  return matrix;
}

/** centredᵀ · centred [D, D]. */
function covariance(centred: Float64Array, N: number, D: number): Float64Array {
  const matrix = new Float64Array(D * D);
  for (let row = 0; row < N; row++) {
    const x = centred.subarray(row * D, (row + 1) * D);
    for (let i = 0; i < D; i++) for (let j = 0; j <= i; j++) matrix[i * D + j] += x[i] * x[j];
  }
  for (let i = 0; i < D; i++) for (let j = 0; j < i; j++) matrix[j * D + i] = matrix[i * D + j];
  return matrix;
}
