/** Row-wise arithmetic on row-major [rows, D] arrays, in float64 where it sums. D vector width. */

/** |x|² of row `row`. */
export function squaredNorm(x: Float32Array, row: number, D: number): number {
  let sum = 0;
  for (let i = row * D, end = i + D; i < end; i++) sum += x[i] * x[i];
  return sum;
}

/** Dot product of row `rowA` of a and row `rowB` of b. */
export function dot(a: Float32Array, rowA: number, b: Float32Array, rowB: number, D: number): number {
  let sum = 0;
  for (let i = rowA * D, j = rowB * D, end = i + D; i < end; i++, j++) sum += a[i] * b[j];
  return sum;
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
