/// <reference path="./types.d.ts" />
/**
 * Pointwise operations on panels. Emitted by ../layers/sequence.ts, dropout.ts and feed-forward.ts, run by
 * ../assembly/layers/sequence.ts and dropout.ts. F features, P panels of one step.
 */

/** out = sum of one to four panels (+ the position row of the step), optionally as strip12 and strip8. Units: panels. */
export class Combine {
  static readonly code: i32 = 41;
  /** May be one of the sources. */
  readonly out!: usize;
  /** Of out and all sources. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly source0!: usize;
  /** Further sources; 0: none. */
  readonly source1!: usize;
  readonly source2!: usize;
  readonly source3!: usize;
  /** [T][F]; 0: none. */
  readonly positions!: usize;
  readonly positionBytes!: usize;
  readonly P!: i32;
  /** 0: none. */
  readonly strip12!: usize;
  readonly strip12Pitch!: usize;
  /** 0: none. */
  readonly strip8!: usize;
  readonly strip8Pitch!: usize;
}

/** Y = X ⊙ mask, optionally as strip12. Units: panels. */
export class DropoutMask {
  static readonly code: i32 = 48;
  readonly x!: usize;
  /** May be x. */
  readonly y!: usize;
  /** Of x and y. */
  readonly pitch!: usize;
  readonly F!: i32;
  /** strip12; 0: none. */
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** p·2²⁴ of the probability p to drop; 0: everything is kept unscaled. */
  readonly threshold!: i32;
  /** 1/(1 − p). */
  readonly keepScale!: f32;
  /** Number of the place in the network that drops. */
  readonly site!: i32;
  readonly hyper!: usize;
}

/** X = relu(X) ⊙ mask in place and as strip12. Units: panels. */
export class ReluForward {
  static readonly code: i32 = 49;
  readonly x!: usize;
  readonly pitch!: usize;
  readonly F!: i32;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Dropout: see `DropoutMask`. */
  readonly threshold!: i32;
  readonly keepScale!: f32;
  readonly site!: i32;
  readonly hyper!: usize;
}

/** dX = keepScale·dX where the output Y of `ReluForward` is above 0, else 0; in place and as strip8. Units: panels. */
export class ReluBackward {
  static readonly code: i32 = 50;
  readonly dx!: usize;
  readonly y!: usize;
  /** Of dx and y. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  readonly keepScale!: f32;
}
