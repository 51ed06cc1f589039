/// <reference path="./types.d.ts" />
/**
 * Loss head: hyperparameters, per-row and per-dimension results, operations. Emitted by ../losses/head.ts, run by
 * ../assembly/losses. B batch rows, T context length, D width; rows in memory are D rounded up to 24 floats.
 *
 * To add a loss term:
 * 1. here: its λ in `Lambdas`; what a row or a dimension leaves, in `RowResults` or `DimensionResults`; rows that its
 *    gradient needs of the batch statistics, in `Coefficients`.
 * 2. ../assembly/losses/unit-terms.ts, or raw-terms.ts for a term on raw itself: value, gradient and their calls.
 * 3. ../../losses/terms.ts: the fields and one row, how value and gradient norm follow from the sums of the results.
 */

/** λ of each term, named as in `TERMS`. */
export class Lambdas {
  mse!: f32;
  info_nce!: f32;
  moment!: f32;
  variance!: f32;
  directional!: f32;
  anti_copy!: f32;
  cosine!: f32;
}

/**
 * What one batch row leaves. `norm2…`: squared norm of the term's gradient on raw, without λ; 0 where λ is 0, except
 * InfoNCE: 0 where it is not measured.
 */
export class RowResults {
  /** Σ_d (raw − target)². */
  squaredError!: f64;
  /** cos(raw, target). */
  cosine!: f64;
  /** NaN when T < 2. */
  directional!: f64;
  /** Sum over the T positions. */
  antiCopy!: f64;
  crossEntropy!: f64;
  columnCrossEntropy!: f64;
  norm2InfoNce!: f64;
  norm2Variance!: f64;
  norm2Directional!: f64;
  norm2AntiCopy!: f64;
  norm2Cosine!: f64;
}

/** Sums over one block of dimensions; NaN when B < 2. */
export class DimensionResults {
  /** Σ_d (mean of raw − mean of target)². */
  mean2!: f64;
  /** Σ_d (σ of raw − σ of target)². */
  sigma2!: f64;
  /** Σ_d max(0, target σ − σ of the unit prediction). */
  hinge!: f64;
  /** ‖∂moment/∂raw‖² · D²/4. */
  momentGradient2!: f64;
}

/**
 * Rows that `BatchStatistics` writes and `LossGradient` reads. Gradients: moment A + C·(raw − μ), variance V·(p − μp);
 * A, C, μ, V, μp in this order.
 */
export class Coefficients {
  readonly momentOffset!: usize;
  readonly momentSlope!: usize;
  readonly rawMean!: usize;
  readonly varianceSlope!: usize;
  readonly unitMean!: usize;
}

/** Dimensions of one unit of `BatchStatistics`. */
export const STATISTICS_BLOCK: i32 = 48;

/**
 * raw = output + base as rows; with losses also the unit prediction (rows and panel), its cosines and the values of the
 * row-wise terms. Pad rows become zero. Units: panels.
 */
export class Output {
  static readonly code: i32 = 11;
  /** Model output, panel. */
  readonly output!: usize;
  readonly outputPitch!: usize;
  /** Rows [B] to add; 0: none. */
  readonly base!: usize;
  /** Rows [B] to add: what was subtracted from the inputs; 0: none. */
  readonly shift!: usize;
  /** Rows [B], written. */
  readonly raw!: usize;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** 0: raw alone; everything below may be 0. */
  readonly withLosses!: i32;
  /** Rows [B]. */
  readonly targets!: usize;
  /** Rows [B]. */
  readonly unitTargets!: usize;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  /** 1/|x_t| [B][T]. */
  readonly inverseContextNorms!: usize;
  /** raw/|raw| as rows [B], written. */
  readonly unit!: usize;
  /** The same as panel. */
  readonly unitPanel!: usize;
  readonly unitPitch!: usize;
  /** 1/|raw| [B], written. */
  readonly inverseNorms!: usize;
  /** cos(raw, x_t) [B][T], written. */
  readonly contextCosines!: usize;
  /** RowResults [B], written. */
  readonly rowResults!: usize;
  readonly hyper!: usize;
}

/**
 * Mean and unbiased σ over the batch of raw, target and unit prediction per dimension; from them values and coefficients.
 * Undefined (zero gradient) for B = 1. Units: blocks of STATISTICS_BLOCK dimensions.
 */
export class BatchStatistics extends Coefficients {
  static readonly code: i32 = 12;
  /** Rows [B]. */
  readonly raw!: usize;
  readonly targets!: usize;
  readonly unit!: usize;
  readonly rowBytes!: usize;
  readonly B!: i32;
  readonly D!: i32;
  /** DimensionResults of each unit, written. */
  readonly dimensionResults!: usize;
  readonly hyper!: usize;
}

/** Cross entropy of every row of S = P·T̂ᵀ/τ against its diagonal, and the log-sum-exp of each row. Units: panels. */
export class InfoNceRows {
  static readonly code: i32 = 13;
  /** P·T̂ᵀ as panel [B/8][B][8]. */
  readonly products!: usize;
  readonly pitch!: usize;
  readonly B!: i32;
  /** [8·panels], written. */
  readonly rowLogSumExp!: usize;
  readonly rowResults!: usize;
  readonly hyper!: usize;
}

/** The same down the columns. Units: groups of columns. */
export class InfoNceColumns {
  static readonly code: i32 = 14;
  readonly products!: usize;
  readonly pitch!: usize;
  readonly B!: i32;
  /** [B], written. */
  readonly columnLogSumExp!: usize;
  readonly rowResults!: usize;
  readonly hyper!: usize;
  readonly unitColumns!: i32;
}

/** Replaces the products by ∂InfoNCE/∂(P·T̂ᵀ); pads become zero. Units: panels. */
export class InfoNceGradient {
  static readonly code: i32 = 15;
  readonly products!: usize;
  readonly pitch!: usize;
  readonly B!: i32;
  readonly rowLogSumExp!: usize;
  readonly columnLogSumExp!: usize;
  readonly hyper!: usize;
}

/**
 * Gradient of the total loss on raw, as panel and strip8, and the squared gradient norms of the terms on the unit
 * prediction. Units: panels. Scratch: 10 rows.
 */
export class LossGradient extends Coefficients {
  static readonly code: i32 = 16;
  /** ∂InfoNCE/∂unit prediction, panel; 0: not measured. */
  readonly dunit!: usize;
  readonly dunitPitch!: usize;
  /** Rows [B]. */
  readonly raw!: usize;
  readonly targets!: usize;
  readonly unitTargets!: usize;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly inverseContextNorms!: usize;
  readonly unit!: usize;
  readonly inverseNorms!: usize;
  readonly contextCosines!: usize;
  readonly rowResults!: usize;
  readonly hyper!: usize;
  readonly rowBytes!: usize;
  readonly B!: i32;
  readonly D!: i32;
  /** Written. */
  readonly draw!: usize;
  readonly drawPitch!: usize;
  readonly drawStrip!: usize;
  readonly drawStripPitch!: usize;
}
