/// <reference path="./types.d.ts" />
/**
 * Operations of the Gram mixture on rows of vectors. Emitted by ../../gram, run by ../assembly/windows.ts and nearest.ts.
 * `vectorBytes` is the length of a vector with its pad, a multiple of 32; `pitch` is bytes between rows.
 */

/** Rows of one unit of the operations on windows. */
export const WINDOW_UNIT_ROWS: i32 = 8;
/** Strips of eight queries of one unit of a search, even; keys it multiplies with at a time, a multiple of 12. */
export const NEAREST_PANELS: i32 = 4;
export const NEAREST_CHUNK: i32 = 384;

/** v ← v / max(|v|, 1e-8) for `vectors` neighbouring vectors of every row. Units: WINDOW_UNIT_ROWS rows. */
export class UnitVectors {
  static readonly code: i32 = 70;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  readonly vectors!: i32;
  readonly vectorBytes!: usize;
}

/**
 * Three vectors a row: the skip p = Σ_t w_t·x_t, x_T, and the residual e = y − p. Rows begin with x_1 … x_T.
 * Units: WINDOW_UNIT_ROWS rows.
 */
export class SkipRows {
  static readonly code: i32 = 71;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  readonly T!: i32;
  readonly vectorBytes!: usize;
  /** w [T] of float32. */
  readonly weights!: usize;
  /** Bytes from the start of a row to y. */
  readonly target!: usize;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/** key = unit(p − μ·(p·μ)/(μ·μ)). Units: WINDOW_UNIT_ROWS rows. */
export class KeyRows {
  static readonly code: i32 = 72;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  /** μ. */
  readonly mean!: usize;
  readonly vectorBytes!: usize;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/**
 * Products of all pairs of the `vectors` vectors of a row, upper triangle row by row, without gaps between rows.
 * Units: WINDOW_UNIT_ROWS rows.
 */
export class PairProducts {
  static readonly code: i32 = 73;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  readonly vectors!: i32;
  readonly vectorBytes!: usize;
  readonly out!: usize;
}

/**
 * The k keys with the largest products of each query, best first, the earlier of equals first.
 * Units: NEAREST_PANELS strips of queries.
 */
export class Nearest {
  static readonly code: i32 = 74;
  /** Strips of twelve. */
  readonly keys!: usize;
  readonly keyPitch!: usize;
  /** At least k. */
  readonly keyCount!: i32;
  /** Strips of eight. */
  readonly queries!: usize;
  readonly queryPitch!: usize;
  readonly queryCount!: i32;
  readonly features!: i32;
  readonly k!: i32;
  /** Out: [queries][k] of float32. */
  readonly similarities!: usize;
  /** Out: key numbers [queries][k] of int32. */
  readonly ids!: usize;
}

/** Σ_j softmax_j(s_j/τ)·value_j over the first `use` of the k entries of each query's list. Units: queries. */
export class NeighbourMeans {
  static readonly code: i32 = 75;
  readonly similarities!: usize;
  readonly ids!: usize;
  readonly k!: i32;
  readonly use!: i32;
  /** 1/τ. */
  readonly sharpness!: f32;
  readonly values!: usize;
  readonly valuePitch!: usize;
  readonly vectorBytes!: usize;
  readonly out!: usize;
  readonly outPitch!: usize;
}
