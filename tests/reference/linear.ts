/** Plain float64 versions of the matrix kernels. B rows, K inputs, N outputs; matrices row-major, W [N, K]. */

/** Y = X·Wᵀ + bias. */
export function linearForward(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  B: number,
  K: number,
  N: number,
): Float64Array {
  const y = new Float64Array(B * N);
  for (let b = 0; b < B; b++) {
    for (let n = 0; n < N; n++) {
      let sum = bias ? bias[n] : 0;
      for (let k = 0; k < K; k++) sum += x[b * K + k] * w[n * K + k];
      y[b * N + n] = sum;
    }
  }
  return y;
}

/** dX = dY·W. */
export function linearInputGradient(
  dy: ArrayLike<number>,
  w: ArrayLike<number>,
  B: number,
  K: number,
  N: number,
): Float64Array {
  const dx = new Float64Array(B * K);
  for (let b = 0; b < B; b++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) dx[b * K + k] += dy[b * N + n] * w[n * K + k];
    }
  }
  return dx;
}

/** dW = dYᵀ·X and dbias = Σ_b dY. */
export function linearWeightGradient(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  B: number,
  K: number,
  N: number,
): { dw: Float64Array; dbias: Float64Array } {
  const dw = new Float64Array(N * K);
  const dbias = new Float64Array(N);
  for (let b = 0; b < B; b++) {
    for (let n = 0; n < N; n++) {
      dbias[n] += dy[b * N + n];
      for (let k = 0; k < K; k++) dw[n * K + k] += dy[b * N + n] * x[b * K + k];
    }
  }
  return { dw, dbias };
}
