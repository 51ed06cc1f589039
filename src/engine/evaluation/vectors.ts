/** Row-wise arithmetic on row-major [rows, D] arrays, in float64 where it sums. D vector width. */

/** |x|² of row `row`. */
export function squaredNorm(x: Float32Array, row: number, D: number): number {
  return dot(x, row, x, row, D);
}

/** Dot product of row `rowA` of a and row `rowB` of b. */
export function dot(a: Float32Array, rowA: number, b: Float32Array, rowB: number, D: number): number {
  // Four sums, to break the dependency chain.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = rowA * D;
  let j = rowB * D;
  const end = i + D;
  for (; i + 3 < end; i += 4, j += 4) {
    s0 += a[i] * b[j];
    s1 += a[i + 1] * b[j + 1];
    s2 += a[i + 2] * b[j + 2];
    s3 += a[i + 3] * b[j + 3];
  }
  for (; i < end; i++, j++) s0 += a[i] * b[j];
  return s0 + s1 + s2 + s3;
}

/** Cosine of two rows; 0 when either is a zero vector. */
export function cosine(a: Float32Array, rowA: number, b: Float32Array, rowB: number, D: number): number {
  const scale = Math.sqrt(squaredNorm(a, rowA, D) * squaredNorm(b, rowB, D));
  return scale === 0 ? 0 : dot(a, rowA, b, rowB, D) / scale;
}

/** Rows divided by max(|row|, 1e-12), as the models define their prediction. A new array. */
export function unitRows(x: Float32Array, D: number): Float32Array<ArrayBuffer> {
  const unit = new Float32Array(x.length);
  for (let row = 0; row * D < x.length; row++) {
    const norm = Math.max(Math.sqrt(squaredNorm(x, row, D)), 1e-12);
    for (let i = row * D, end = i + D; i < end; i++) unit[i] = x[i] / norm;
  }
  return unit;
}

/** Σ_t w_t·c_t of each row. [N, D] */
export function weightedMeans(
  { contexts, B }: { contexts: Float32Array; B: number },
  weights: ArrayLike<number>,
  D: number,
): Float32Array {
  const T = weights.length;
  const means = new Float32Array(B * D);
  for (let row = 0; row < B; row++) {
    for (let t = 0; t < T; t++) {
      const from = (row * T + t) * D;
      const weight = weights[t];
      if (weight === 0) continue;
      for (let d = 0; d < D; d++) means[row * D + d] += weight * contexts[from + d];
    }
  }
  return means;
}

/** Mean over T of contexts [B, T, D]: [B, D]. */
export function contextMeans(contexts: Float32Array, B: number, T: number, D: number): Float32Array<ArrayBuffer> {
  const means = new Float32Array(B * D);
  for (let row = 0; row < B; row++) {
    for (let t = 0; t < T; t++) {
      const at = (row * T + t) * D;
      for (let d = 0; d < D; d++) means[row * D + d] += contexts[at + d] / T;
    }
  }
  return means;
}
