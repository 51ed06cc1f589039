/// <reference path="./types.d.ts" />
/**
 * Dense linear algebra: products of packed matrices and Cholesky solutions. Emitted by ../../gram, run by
 * ../assembly/products/dense.ts and cholesky.ts. Pitches are bytes from one row or strip to the next.
 *
 * A product takes two packed operands with the reduction K in common: a [M/12][K][12] in strips of twelve lanes and
 * b [N/8][K][8] in strips of eight. Every pad is zero.
 */

/** Strips of `a` that one unit of a product works through. */
export const PRODUCT_UNIT_STRIPS: i32 = 4;
/** Columns of a block of a Cholesky factor; its matrix is padded to a multiple. */
export const CHOLESKY_BLOCK: i32 = 24;

/** out[r / lanes][c][r % lanes] = rows[r][c]; lanes without a row become zero. Units: strips. */
export class PackRows {
  static readonly code: i32 = 60;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  readonly columns!: i32;
  readonly lanes!: i32;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/** out[c / lanes][r][c % lanes] = rows[r][c]. Units: strips. */
export class PackColumns {
  static readonly code: i32 = 61;
  readonly rows!: usize;
  readonly pitch!: usize;
  readonly count!: i32;
  /** 8 or 12. */
  readonly lanes!: i32;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/** out[n][m] = Σ_k a[k][m]·b[k][n], overwriting float32 rows. Units: groups of PRODUCT_UNIT_STRIPS strips of a. */
export class Product {
  static readonly code: i32 = 62;
  readonly a!: usize;
  readonly aPitch!: usize;
  readonly aStrips!: i32;
  readonly b!: usize;
  readonly bPitch!: usize;
  /** Even. */
  readonly bStrips!: i32;
  readonly K!: i32;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/**
 * out[m][n] += Σ_k a[k][m]·b[k][n] in float64 rows; float32 within one call. Tiles wholly below the diagonal are left out.
 * Units: groups of PRODUCT_UNIT_STRIPS strips of a.
 */
export class AddProduct {
  static readonly code: i32 = 63;
  readonly a!: usize;
  readonly aPitch!: usize;
  readonly aStrips!: i32;
  readonly b!: usize;
  readonly bPitch!: usize;
  /** Even. */
  readonly bStrips!: i32;
  readonly K!: i32;
  readonly out!: usize;
  readonly outPitch!: usize;
}

/**
 * Subtracts from block column `first`, in every row from `first` on, what the columns before it explain. The matrix is the
 * augmented one of cholesky.ts, float64 [rows][N]. Units: CHOLESKY_BLOCK rows from `first` on.
 */
export class CholeskyUpdate {
  static readonly code: i32 = 64;
  readonly matrix!: usize;
  readonly pitch!: usize;
  readonly rows!: i32;
  readonly first!: i32;
}

/** Factor of one diagonal block, in place; a pivot that is not positive becomes NaN. One unit. */
export class CholeskyFactor {
  static readonly code: i32 = 65;
  readonly matrix!: usize;
  readonly pitch!: usize;
  readonly first!: i32;
}

/** Divides block column `first`, in every row below its diagonal block, by that block. Units: CHOLESKY_BLOCK rows. */
export class CholeskyDivide {
  static readonly code: i32 = 66;
  readonly matrix!: usize;
  readonly pitch!: usize;
  readonly rows!: i32;
  readonly first!: i32;
}

/** The M rows after the first N become Zᵀ·L⁻¹, in place. Units: CHOLESKY_BLOCK of these rows. */
export class SubstituteBack {
  static readonly code: i32 = 67;
  readonly matrix!: usize;
  readonly pitch!: usize;
  readonly N!: i32;
  readonly M!: i32;
}
