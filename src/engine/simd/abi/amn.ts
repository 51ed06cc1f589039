/// <reference path="./types.d.ts" />
/**
 * AMN's attention mixture and positional skip path. Emitted by ../layers/mixture.ts and position.ts, run by the files of
 * the same names in ../assembly. B batch rows, T context length, A width of queries and keys.
 */

/**
 * w = softmax(u·x_t/√A), mix = Σ_t w_t·x_t as panel and strip12, overwriting; pad rows become zero. Units: panels.
 * Scratch: 8 rows.
 */
export class MixForward {
  static readonly code: i32 = 9;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** Panel. */
  readonly u!: usize;
  readonly uPitch!: usize;
  /** [B][T rounded up to 4], written. */
  readonly weights!: usize;
  readonly weightsPitch!: usize;
  /** 1/√A. */
  readonly scale!: f32;
  readonly mix!: usize;
  readonly mixPitch!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Padded features, a multiple of 12. */
  readonly features!: i32;
}

/**
 * du = Σ_t ds_t·x_t/√A with ds the softmax gradient of dmix·x_t, as panel and strip12, overwriting. Units: panels.
 * Scratch: 8 rows.
 */
export class MixBackward {
  static readonly code: i32 = 10;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** Panel. */
  readonly dmix!: usize;
  readonly dmixPitch!: usize;
  /** From `MixForward`. */
  readonly weights!: usize;
  /** Of weights and dweights. */
  readonly weightsPitch!: usize;
  /** 1/√A. */
  readonly scale!: f32;
  readonly du!: usize;
  readonly duPitch!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Padded features, a multiple of 12. */
  readonly features!: i32;
  /** As weights, written. */
  readonly dweights!: usize;
}

/** skip_b = Σ_t w_t ⊙ x_bt, overwriting; pad rows become zero. Units: eight rows. */
export class PositionForward {
  static readonly code: i32 = 22;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** Rows [T]. */
  readonly weights!: usize;
  /** Rows [B]. */
  readonly skip!: usize;
}

/** dw_t = Σ_b draw_b ⊙ x_bt, overwriting, with the sum of squares of each unit. Units: eight features. */
export class PositionWeight {
  static readonly code: i32 = 23;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** strip8. */
  readonly draw!: usize;
  readonly drawPitch!: usize;
  /** Rows [T]. */
  readonly dweights!: usize;
  /** float64 of each unit, written. */
  readonly slots!: usize;
}
