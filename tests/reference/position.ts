/** Plain float64 position weights: skip_b = Σ_t w_t ⊙ x_bt for B rows of T vectors of D values, and their gradient. */

export interface PositionSizes {
  readonly B: number;
  readonly T: number;
  readonly D: number;
}

/** x [B·T·D], weights [T·D] → skip [B·D]. */
export function position(x: ArrayLike<number>, weights: ArrayLike<number>, { B, T, D }: PositionSizes): Float64Array {
  const skip = new Float64Array(B * D);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let d = 0; d < D; d++) skip[b * D + d] += weights[t * D + d] * x[(b * T + t) * D + d];
    }
  }
  return skip;
}

/** dw_t = Σ_b dskip_b ⊙ x_bt: x [B·T·D], dskip [B·D] → [T·D]. */
export function positionGradient(
  x: ArrayLike<number>,
  dskip: ArrayLike<number>,
  { B, T, D }: PositionSizes,
): Float64Array {
  const gradient = new Float64Array(T * D);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let d = 0; d < D; d++) gradient[t * D + d] += dskip[b * D + d] * x[(b * T + t) * D + d];
    }
  }
  return gradient;
}
