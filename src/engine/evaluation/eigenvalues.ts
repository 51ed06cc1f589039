/** Eigenvalues of a symmetric matrix: Householder reduction to tridiagonal form, then implicit QL (EISPACK tred1/tql1). */

const MAX_SWEEPS = 60;

/** `matrix` [n, n] row-major, symmetric; overwritten. Ascending. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  tridiagonalise(matrix, n, diagonal, offDiagonal);
  qlImplicit(diagonal, offDiagonal, n);
  return diagonal.toSorted();
}

/** Fills d [n] with the diagonal and e [n] with the subdiagonal (e[0] = 0). */
function tridiagonalise(a: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let i = n - 1; i > 0; i--) {
    const row = i * n;
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(a[row + k]);
    if (i === 1 || scale === 0) {
      e[i] = a[row + i - 1];
      continue;
    }
    let h = 0;
    for (let k = 0; k < i; k++) {
      a[row + k] /= scale;
      h += a[row + k] ** 2;
    }
    const last = a[row + i - 1];
    const g = last >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
    e[i] = scale * g;
    h -= last * g;
    a[row + i - 1] = last - g;
    reflect(a, n, i, h, e);
  }
  for (let i = 0; i < n; i++) d[i] = a[i * n + i];
  e[0] = 0;
}

/** A ← A − u·qᵀ − q·uᵀ on the leading i×i block (lower triangle), u in row i, h = |u|²/2; e[0..i) is scratch. */
function reflect(a: Float64Array, n: number, i: number, h: number, e: Float64Array): void {
  const u = a.subarray(i * n, i * n + i);
  let uDotP = 0;
  for (let j = 0; j < i; j++) {
    let sum = 0;
    for (let k = 0; k <= j; k++) sum += a[j * n + k] * u[k];
    for (let k = j + 1; k < i; k++) sum += a[k * n + j] * u[k];
    e[j] = sum / h;
    uDotP += e[j] * u[j];
  }
  const half = uDotP / (2 * h);
  for (let j = 0; j < i; j++) e[j] -= half * u[j];
  for (let j = 0; j < i; j++) {
    for (let k = 0; k <= j; k++) a[j * n + k] -= u[j] * e[k] + e[j] * u[k];
  }
}

function qlImplicit(d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      const m = splitAt(d, e, n, l);
      if (m === l) break;
      if (sweep === MAX_SWEEPS)
        throw new Error('Eigenvalues did not converge: the matrix holds values that are not finite.');
      qlSweep(d, e, l, m);
    }
  }
}

/** First index m ≥ l whose subdiagonal is negligible. */
function splitAt(d: Float64Array, e: Float64Array, n: number, l: number): number {
  let m = l;
  for (; m < n - 1; m++) {
    const size = Math.abs(d[m]) + Math.abs(d[m + 1]);
    if (Math.abs(e[m]) <= Number.EPSILON * size) break;
  }
  return m;
}

/** One implicit QL sweep with Wilkinson's shift on d[l..m], e[l..m). */
function qlSweep(d: Float64Array, e: Float64Array, l: number, m: number): void {
  let g = (d[l + 1] - d[l]) / (2 * e[l]);
  let r = Math.hypot(g, 1);
  g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i];
    const b = c * e[i];
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}
