/**
 * Dense linear algebra for the least-squares baselines: a product that may be replaced by a faster one, and Cholesky in
 * float64. Row-major; m, k, n rows and columns.
 */

/** a [m, k] · b [k, n] → [m, n]. */
export type MatrixProduct = (a: Float32Array, b: Float32Array, m: number, k: number, n: number) => Float32Array;

/** The reference: plain loops, float64 sums. */
export const plainProduct: MatrixProduct = (a, b, m, k, n) => {
  const product = new Float32Array(m * n);
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    row.fill(0);
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p];
      for (let j = 0, q = p * n; j < n; j++, q++) row[j] += factor * b[q];
    }
    product.set(row, i * n);
  }
  return product;
};

/** Lower factor L of the symmetric positive definite `matrix` [n, n], in place (the upper triangle is left as it is). */
export function choleskyFactor(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i * n + j] - dotOfRows(matrix, i * n, j * n, j);
      if (i !== j) matrix[i * n + j] = rest / matrix[j * n + j];
      else if (rest > 0) matrix[i * n + i] = Math.sqrt(rest);
      else throw new RangeError(`Least squares: the matrix is not positive definite at row ${i} of ${n}.`);
    }
  }
}

/** Σ_k<count m[a + k]·m[b + k]; four sums, to break the dependency chain. */
function dotOfRows(m: Float64Array, a: number, b: number, count: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < count; k += 4) {
    s0 += m[a + k] * m[b + k];
    s1 += m[a + k + 1] * m[b + k + 1];
    s2 += m[a + k + 2] * m[b + k + 2];
    s3 += m[a + k + 3] * m[b + k + 3];
  }
  for (; k < count; k++) s0 += m[a + k] * m[b + k];
  return s0 + s1 + s2 + s3;
}

/** Columns solved together, so that their part of the right-hand side stays in the cache. */
const PANEL = 128;

/** Solves L·Lᵀ·X = B for B [n, columns], in place. */
export function choleskySolve(L: Float64Array, n: number, B: Float64Array, columns: number): void {
  for (let start = 0; start < columns; start += PANEL) {
    const width = Math.min(PANEL, columns - start);
    for (let i = 0; i < n; i++) eliminate(B, columns, start, width, i, 0, i, L, i * n, 1, L[i * n + i]);
    for (let i = n - 1; i >= 0; i--) {
      eliminate(B, columns, start, width, i, i + 1, n, L, (i + 1) * n + i, n, L[i * n + i]);
    }
  }
}

/** B[i] ← (B[i] − Σ_{from ≤ k < to} L[at + (k − from)·stride] · B[k]) / pivot, on columns [start, start + width). */
function eliminate(
  B: Float64Array,
  columns: number,
  start: number,
  width: number,
  i: number,
  from: number,
  to: number,
  L: Float64Array,
  at: number,
  stride: number,
  pivot: number,
): void {
  const target = i * columns + start;
  let k = from;
  for (; k + 3 < to; k += 4, at += 4 * stride) {
    const l0 = L[at];
    const l1 = L[at + stride];
    const l2 = L[at + 2 * stride];
    const l3 = L[at + 3 * stride];
    const r0 = k * columns + start;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    for (let j = 0; j < width; j++) {
      B[target + j] -= l0 * B[r0 + j] + l1 * B[r1 + j] + l2 * B[r2 + j] + l3 * B[r3 + j];
    }
  }
  for (; k < to; k++, at += stride) {
    for (let j = 0; j < width; j++) B[target + j] -= L[at] * B[k * columns + start + j];
  }
  for (let j = 0; j < width; j++) B[target + j] /= pivot;
}

/** x [rows, columns] → [columns, rows]. */
export function transpose(x: Float32Array, rows: number, columns: number): Float32Array {
  const transposed = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) transposed[j * rows + i] = x[i * columns + j];
  return transposed;
}
