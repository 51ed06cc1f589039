/// <reference path="./types.d.ts" />
/**
 * LayerNorm over the F features of batch panels. Emitted by ../layers/gelu-norm.ts and residual-norm.ts, run by
 * ../assembly/layers/normalise.ts and residual-norm.ts.
 */

/**
 * Y = γ·(H − mean)/√(var + ε) + β, overwriting; keeps mean and 1/σ of each row; Y again as strip12. Units: panels.
 */
export class LayerNormForward {
  static readonly code: i32 = 6;
  readonly h!: usize;
  readonly y!: usize;
  /** Of h and y. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly gamma!: usize;
  readonly beta!: usize;
  /** [8·panels], written. */
  readonly mean!: usize;
  readonly inverseSigma!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  readonly eps!: f32;
}

/**
 * dZ = GELU'(Z) · dH with dH the input gradient of LayerNorm given dY, overwriting; dZ again as strip8. Units: panels.
 */
export class LayerNormBackward {
  static readonly code: i32 = 7;
  readonly dy!: usize;
  readonly h!: usize;
  /** Before GELU. */
  readonly z!: usize;
  readonly dz!: usize;
  /** Of all four. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly gamma!: usize;
  readonly mean!: usize;
  readonly inverseSigma!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
}

/**
 * dγ[f] = Σ_b dY·x̂ and dβ[f] = Σ_b dY, overwriting, with the sum of squares of each unit. Units: feature groups.
 */
export class LayerNormWeight {
  static readonly code: i32 = 8;
  readonly dy!: usize;
  readonly h!: usize;
  /** Of dy and h. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly panels!: i32;
  readonly mean!: usize;
  readonly inverseSigma!: usize;
  readonly dgamma!: usize;
  readonly dbeta!: usize;
  /** float64 of each unit, written. */
  readonly slots!: usize;
  readonly unitFeatures!: i32;
}

/**
 * S = X + A ⊙ mask and Y = γ·(S − mean)/√(var + ε) + β; keeps S, mean and 1/σ of each row; Y again as strip12. Units:
 * panels.
 */
export class ResidualNormForward {
  static readonly code: i32 = 51;
  readonly x!: usize;
  readonly a!: usize;
  readonly sum!: usize;
  readonly y!: usize;
  /** Of all four. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly gamma!: usize;
  readonly beta!: usize;
  /** [8·panels], written. */
  readonly mean!: usize;
  readonly inverseSigma!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  readonly eps!: f32;
  /** Dropout: see `DropoutMask`. */
  readonly threshold!: i32;
  readonly keepScale!: f32;
  readonly site!: i32;
  readonly hyper!: usize;
}

/**
 * dY = Σ sources; dS, the input gradient of LayerNorm given dY; dA = dS ⊙ mask, optionally as strip8. Units: panels.
 */
export class ResidualNormBackward {
  static readonly code: i32 = 52;
  readonly source0!: usize;
  /** Further sources; 0: none. */
  readonly source1!: usize;
  readonly source2!: usize;
  readonly source3!: usize;
  readonly dy!: usize;
  readonly sum!: usize;
  readonly dsum!: usize;
  /** 0: not written, and no strip8. */
  readonly da!: usize;
  /** Of all above. */
  readonly pitch!: usize;
  readonly F!: i32;
  readonly gamma!: usize;
  readonly mean!: usize;
  readonly inverseSigma!: usize;
  /** strip8 of da; 0: none. */
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Dropout: see `DropoutMask`. */
  readonly threshold!: i32;
  readonly keepScale!: f32;
  readonly site!: i32;
  readonly hyper!: usize;
  /** Panels before the first, in the mask and in the strip. */
  readonly panelsBefore!: i32;
}
