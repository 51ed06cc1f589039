// Cholesky factor of a symmetric positive definite matrix and solution for many right-hand sides, in float64.
//
// One augmented matrix [N + M][N], row-major: the first N rows are the matrix (lower triangle), the last M the right-hand
// sides transposed. Block column by block column (BLOCK wide), all rows below are updated and divided alike: the first N
// rows become L, the last M become Zᵀ = Bᵀ·L⁻ᵀ. `substituteBack` turns those into Xᵀ = Zᵀ·L⁻¹, the transposed solution.
// N and M are multiples of BLOCK.
import { args, nextUnit } from './sync';
import {
  CHOLESKY_BLOCK,
  CholeskyDivide,
  CholeskyFactor,
  CholeskyUpdate,
  SubstituteBack,
} from '../abi/dense.ts';

const BLOCK: i32 = CHOLESKY_BLOCK;
const UNIT_ROWS: i32 = CHOLESKY_BLOCK;

// @ts-ignore: decorator
@inline
function fma64(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function sum64(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

// @ts-ignore: decorator
@inline
function subtract(at: usize, x: v128): void {
  store<f64>(at, load<f64>(at) - sum64(x));
}

/** out[i][j] −= Σ_k<depth a[i][k]·b[j][k] for four rows i and three rows j, all `pitch` bytes apart; depth even. */
function dotTile(a: usize, b: usize, pitch: usize, depth: i32, out: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c20 = c00;
  let c21 = c00;
  let c22 = c00;
  let c30 = c00;
  let c31 = c00;
  let c32 = c00;
  const a2 = a + 2 * pitch;
  const b2 = b + 2 * pitch;
  for (let k: usize = 0, end = <usize>depth << 3; k < end; k += 16) {
    const x = v128.load(b + k);
    const y = v128.load(b + pitch + k);
    const z = v128.load(b2 + k);
    let r = v128.load(a + k);
    c00 = fma64(r, x, c00);
    c01 = fma64(r, y, c01);
    c02 = fma64(r, z, c02);
    r = v128.load(a + pitch + k);
    c10 = fma64(r, x, c10);
    c11 = fma64(r, y, c11);
    c12 = fma64(r, z, c12);
    r = v128.load(a2 + k);
    c20 = fma64(r, x, c20);
    c21 = fma64(r, y, c21);
    c22 = fma64(r, z, c22);
    r = v128.load(a2 + pitch + k);
    c30 = fma64(r, x, c30);
    c31 = fma64(r, y, c31);
    c32 = fma64(r, z, c32);
  }
  subtract(out, c00);
  subtract(out + 8, c01);
  subtract(out + 16, c02);
  out += pitch;
  subtract(out, c10);
  subtract(out + 8, c11);
  subtract(out + 16, c12);
  out += pitch;
  subtract(out, c20);
  subtract(out + 8, c21);
  subtract(out + 16, c22);
  out += pitch;
  subtract(out, c30);
  subtract(out + 8, c31);
  subtract(out + 16, c32);
}

export function choleskyUpdate(op: usize): void {
  const a = args<CholeskyUpdate>(op);
  const block = a.matrix + <usize>a.first * a.pitch;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const start = a.first + unit * UNIT_ROWS;
    const end = min(start + UNIT_ROWS, a.rows);
    for (let i = start; i < end; i += 4) {
      const row = a.matrix + <usize>i * a.pitch;
      for (let c = 0; c < BLOCK; c += 3) {
        dotTile(row, block + <usize>c * a.pitch, a.pitch, a.first, row + (<usize>(a.first + c) << 3));
      }
    }
  }
}

export function choleskyFactor(op: usize): void {
  const a = args<CholeskyFactor>(op);
  const block = a.matrix + <usize>a.first * (a.pitch + 8);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let i = 0; i < BLOCK; i++) {
      const row = block + <usize>i * a.pitch;
      divideRow(row, block, a.pitch, i);
      let rest = load<f64>(row + (<usize>i << 3));
      for (let k = 0; k < i; k++) rest -= load<f64>(row + (<usize>k << 3)) * load<f64>(row + (<usize>k << 3));
      store<f64>(row + (<usize>i << 3), sqrt<f64>(rest));
    }
  }
}

/** row[c] ← (row[c] − Σ_k<c row[k]·L[c][k]) / L[c][c] for c < count. */
function divideRow(row: usize, block: usize, pitch: usize, count: i32): void {
  for (let c = 0; c < count; c++) {
    const l = block + <usize>c * pitch;
    let rest = load<f64>(row + (<usize>c << 3));
    for (let k = 0; k < c; k++) rest -= load<f64>(row + (<usize>k << 3)) * load<f64>(l + (<usize>k << 3));
    store<f64>(row + (<usize>c << 3), rest / load<f64>(l + (<usize>c << 3)));
  }
}

export function choleskyDivide(op: usize): void {
  const a = args<CholeskyDivide>(op);
  const column = a.matrix + (<usize>a.first << 3);
  const block = column + <usize>a.first * a.pitch;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const start = a.first + BLOCK + unit * UNIT_ROWS;
    const end = min(start + UNIT_ROWS, a.rows);
    for (let row = start; row < end; row++) divideRow(column + <usize>row * a.pitch, block, a.pitch, BLOCK);
  }
}

/** out[i][0..8] −= Σ_k x[i][k]·l[k][0..8] for three rows i; rows of x, l and out are `pitch` bytes apart. */
function outerTile(x: usize, l: usize, pitch: usize, depth: i32, out: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  let c20 = c00;
  let c21 = c00;
  let c22 = c00;
  let c23 = c00;
  for (const end = x + (<usize>depth << 3); x < end; x += 8) {
    const p = v128.load(l);
    const q = v128.load(l, 16);
    const r = v128.load(l, 32);
    const s = v128.load(l, 48);
    let v = v128.load64_splat(x);
    c00 = fma64(v, p, c00);
    c01 = fma64(v, q, c01);
    c02 = fma64(v, r, c02);
    c03 = fma64(v, s, c03);
    v = v128.load64_splat(x + pitch);
    c10 = fma64(v, p, c10);
    c11 = fma64(v, q, c11);
    c12 = fma64(v, r, c12);
    c13 = fma64(v, s, c13);
    v = v128.load64_splat(x + 2 * pitch);
    c20 = fma64(v, p, c20);
    c21 = fma64(v, q, c21);
    c22 = fma64(v, r, c22);
    c23 = fma64(v, s, c23);
    l += pitch;
  }
  subtractRow(out, c00, c01, c02, c03);
  subtractRow(out + pitch, c10, c11, c12, c13);
  subtractRow(out + 2 * pitch, c20, c21, c22, c23);
}

// @ts-ignore: decorator
@inline
function subtractRow(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(out, f64x2.sub(v128.load(out), a));
  v128.store(out, f64x2.sub(v128.load(out, 16), b), 16);
  v128.store(out, f64x2.sub(v128.load(out, 32), c), 32);
  v128.store(out, f64x2.sub(v128.load(out, 48), d), 48);
}

/** Block columns from the last to the first, each row by itself. */
export function substituteBack(op: usize): void {
  const a = args<SubstituteBack>(op);
  const pitch = a.pitch;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const start = a.N + unit * UNIT_ROWS;
    const end = min(start + UNIT_ROWS, a.N + a.M);
    for (let first = a.N - BLOCK; first >= 0; first -= BLOCK) {
      const after = first + BLOCK;
      const l = a.matrix + <usize>after * pitch + (<usize>first << 3);
      for (let i = start; i < end; i += 3) {
        const x = a.matrix + <usize>i * pitch;
        for (let c = 0; c < BLOCK; c += 8) {
          outerTile(x + (<usize>after << 3), l + (<usize>c << 3), pitch, a.N - after, x + (<usize>(first + c) << 3));
        }
      }
      const column = a.matrix + (<usize>first << 3);
      for (let i = start; i < end; i++) divideBack(column + <usize>i * pitch, column + <usize>first * pitch, pitch);
    }
  }
}

/** row ← row · L⁻¹ for one block. */
function divideBack(row: usize, block: usize, pitch: usize): void {
  for (let c = BLOCK - 1; c >= 0; c--) {
    let rest = load<f64>(row + (<usize>c << 3));
    for (let k = c + 1; k < BLOCK; k++) {
      rest -= load<f64>(row + (<usize>k << 3)) * load<f64>(block + <usize>k * pitch + (<usize>c << 3));
    }
    store<f64>(row + (<usize>c << 3), rest / load<f64>(block + <usize>c * (pitch + 8)));
  }
}
