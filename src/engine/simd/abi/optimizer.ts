/// <reference path="./types.d.ts" />
/**
 * Clipping and AdamW. Emitted by ../optimizer.ts and ../layers/linear.ts, run by ../assembly/adamw.ts and fused.ts. B batch
 * rows, P = ⌈B/8⌉ panels, R = 8·P.
 */

/** AdamW of a range of parameters, its gradient clipped by the global norm. Units: ranges of `unitBytes`. */
export class Adamw {
  static readonly code: i32 = 17;
  readonly w!: usize;
  readonly g!: usize;
  readonly m!: usize;
  readonly v!: usize;
  readonly bytes!: usize;
  readonly unitBytes!: usize;
  /** Sums of squares of the whole gradient, float64 [slotCount]. */
  readonly slots!: usize;
  readonly slotCount!: i32;
  readonly hyper!: usize;
}

/**
 * Products of all pairs of batch rows, G[b][c] for panel(b) ≤ panel(c), overwriting. Units: pairs of panels, i ≤ j.
 */
export class Gram {
  static readonly code: i32 = 19;
  readonly panel!: usize;
  readonly pitch!: usize;
  readonly F!: i32;
  readonly P!: i32;
  /** G [R][R], written. */
  readonly gram!: usize;
}

/** Squared norm of one weight gradient (and bias gradient) from products of batch rows. One unit. */
export class GramNorm {
  static readonly code: i32 = 21;
  /** G of the inputs. */
  readonly inputs!: usize;
  /** G of more inputs; 0: none. */
  readonly moreInputs!: usize;
  /** G of the output gradient. */
  readonly gradient!: usize;
  readonly P!: i32;
  /** 1: with bias gradient. */
  readonly withBias!: i32;
  /** float64, written. */
  readonly slot!: usize;
}

/**
 * Weight gradient of one Linear, clipped and applied at once. Units: groups of WEIGHT_UNIT_BLOCKS blocks × strip groups.
 * Scratch: two tiles of 12 × 8 gradients.
 */
export class GemmWeightAdamw {
  static readonly code: i32 = 20;
  /** strip12. */
  readonly x!: usize;
  readonly xPitch!: usize;
  readonly strips!: i32;
  /** strip8. */
  readonly dy!: usize;
  readonly dyPitch!: usize;
  readonly B!: i32;
  readonly w!: usize;
  readonly wPitch!: usize;
  readonly blocks!: i32;
  readonly biasRow!: i32;
  /** 0: the bias has no gradient. */
  readonly withBias!: i32;
  readonly unitStrips!: i32;
  /** Bytes from a weight to its moments. */
  readonly toM!: usize;
  readonly toV!: usize;
  /** Sums of squares of the whole gradient, float64 [slotCount]. */
  readonly slots!: usize;
  readonly slotCount!: i32;
  readonly hyper!: usize;
}
