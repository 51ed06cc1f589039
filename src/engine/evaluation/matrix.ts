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

/** A triangular factor in the memory of L: entry (i, k) lies at i·rowStride + k·columnStride. */
interface Factor {
  readonly values: Float64Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Columns [start, start + width) of B [n, columns]. */
interface Panel {
  readonly B: Float64Array;
  readonly columns: number;
  readonly start: number;
  readonly width: number;
}

/** Solves L·Lᵀ·X = B for B [n, columns], in place. */
export function choleskySolve(L: Float64Array, n: number, B: Float64Array, columns: number): void {
  const lower: Factor = { values: L, rowStride: n, columnStride: 1 };
  const upper: Factor = { values: L, rowStride: 1, columnStride: n };
  for (let start = 0; start < columns; start += PANEL) {
    const panel: Panel = { B, columns, start, width: Math.min(PANEL, columns - start) };
    for (let i = 0; i < n; i++) eliminate(lower, panel, i, 0, i);
    for (let i = n - 1; i >= 0; i--) eliminate(upper, panel, i, i + 1, n);
  }
}

/** B[i] ← (B[i] − Σ_{from ≤ k < to} F[i, k]·B[k]) / F[i, i] on the columns of the panel, F the factor. */
function eliminate(factor: Factor, panel: Panel, i: number, from: number, to: number): void {
  const { values: F, rowStride, columnStride: stride } = factor;
  const { B, columns, start, width } = panel;
  const target = i * columns + start;
  const pivot = F[i * (rowStride + stride)];
  let k = from;
  let at = i * rowStride + from * stride;
  for (; k + 3 < to; k += 4, at += 4 * stride) {
    const f0 = F[at];
    const f1 = F[at + stride];
    const f2 = F[at + 2 * stride];
    const f3 = F[at + 3 * stride];
    const r0 = k * columns + start;
    const r1 = r0 + columns;
    const r2 = r1 + columns;
    const r3 = r2 + columns;
    for (let j = 0; j < width; j++) {
      B[target + j] -= f0 * B[r0 + j] + f1 * B[r1 + j] + f2 * B[r2 + j] + f3 * B[r3 + j];
    }
  }
  for (; k < to; k++, at += stride) {
    for (let j = 0; j < width; j++) B[target + j] -= F[at] * B[k * columns + start + j];
  }
  for (let j = 0; j < width; j++) B[target + j] /= pivot;
}

/** x [rows, columns] → [columns, rows]. */
export function transpose(x: Float32Array, rows: number, columns: number): Float32Array {
  const transposed = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) transposed[j * rows + i] = x[i * columns + j];
  return transposed;
}
