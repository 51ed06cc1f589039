/// <reference path="./types.d.ts" />
/**
 * Matrix products. Emitted by ../layers/linear.ts and recurrent.ts, run by ../assembly/products/gemm.ts and sequence.ts. W [N][K]
 * lies in blocks of 12 outputs, each [K + 1][12] with the bias last; pitches are bytes from one block, panel or strip to
 * the next.
 */

/** Blocks of twelve outputs of one unit of a weight gradient or update. */
export const WEIGHT_UNIT_BLOCKS: i32 = 4;

/**
 * Y[n][b] = Σ_k W[n][k]·X[k][b] (+ bias), overwriting; optionally H = GELU(Y) and Y again as strip8. Units: block groups ×
 * panel groups.
 */
export class GemmForward {
  static readonly code: i32 = 3;
  readonly w!: usize;
  readonly wPitch!: usize;
  readonly K!: i32;
  readonly blocks!: i32;
  readonly x!: usize;
  readonly xPitch!: usize;
  readonly panels!: i32;
  readonly y!: usize;
  readonly yPitch!: usize;
  /** -1: no bias. */
  readonly biasRow!: i32;
  /** H; 0: none. */
  readonly h!: usize;
  /** strip8; 0: none. */
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Even. */
  readonly unitBlocks!: i32;
  readonly unitPanels!: i32;
}

/**
 * X[k][b] = Σ_n W[n][k]·Y[n][b], overwriting, for inputs k in [first, first + count). Units: input groups × panel groups.
 */
export class GemmInput {
  static readonly code: i32 = 4;
  readonly w!: usize;
  readonly wPitch!: usize;
  readonly blocks!: i32;
  readonly first!: i32;
  /** A multiple of 12. */
  readonly count!: i32;
  readonly y!: usize;
  readonly yPitch!: usize;
  readonly panels!: i32;
  /** Row 0 is input `first`. */
  readonly x!: usize;
  readonly xPitch!: usize;
  /** A multiple of 12. */
  readonly unitInputs!: i32;
  readonly unitPanels!: i32;
}

/**
 * dW[n][k] = Σ_b dY[n][b]·X[k][b] and the bias gradient, overwriting, with the sum of squares of each unit. Units: groups
 * of WEIGHT_UNIT_BLOCKS blocks (whole cache lines) × strip groups. Scratch: two tiles.
 */
export class GemmWeight {
  static readonly code: i32 = 5;
  /** strip12. */
  readonly x!: usize;
  readonly xPitch!: usize;
  readonly strips!: i32;
  /** strip8. */
  readonly dy!: usize;
  readonly dyPitch!: usize;
  readonly B!: i32;
  readonly dw!: usize;
  readonly dwPitch!: usize;
  readonly blocks!: i32;
  /** -1: no bias gradient. */
  readonly biasRow!: i32;
  /** float64 of each unit, written. */
  readonly slots!: usize;
  readonly unitStrips!: i32;
}

/** Y[n][b] = bias[n]: a Linear of a zero input. Units: panels. */
export class BiasRows {
  static readonly code: i32 = 42;
  /** Bias row of the first weight block. */
  readonly bias!: usize;
  readonly blockPitch!: usize;
  readonly N!: i32;
  readonly y!: usize;
  readonly yPitch!: usize;
}

/** dbias[n] = Σ dY[n] over all rows, overwriting, with the sum of squares of each unit. Units: 24 outputs. */
export class BiasGradient {
  static readonly code: i32 = 43;
  /** strip8. */
  readonly dy!: usize;
  readonly dyPitch!: usize;
  readonly rows!: i32;
  /** Bias row of the first gradient block. */
  readonly dbias!: usize;
  readonly blockPitch!: usize;
  readonly N!: i32;
  /** float64 of each unit, written. */
  readonly slots!: usize;
}
