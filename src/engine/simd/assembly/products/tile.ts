// Micro kernels: products of a few rows with a panel of eight lanes, sums in registers. Layouts: gemm.ts.
// A tile is TILE × 8: TILE values are splat, two vectors of four are loaded, 2·TILE accumulators stay in registers.
import { fma, splat } from '../math';

/** Six rows fill the 15 usable registers with FMA; the plain build needs one more for the product and takes four. */
export const TILE: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
export const BLOCK_BYTES: usize = 48;
export const PANEL_BYTES: usize = 32;
/** Of a tile of twelve rows of eight. */
export const TILE_BYTES: usize = 384;

export const INIT_ZERO: i32 = 0;
export const INIT_SPLAT: i32 = 1;
export const INIT_ACCUMULATE: i32 = 2;

/** The twelve zeros that stand for the bias where there is none. */
export const ZEROS = memory.data<f32>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16);

/**
 * Whether tiles of 6 × 16 are faster than those of TILE × 8: where V8 makes one vector of 256 bits of two neighbouring
 * ones (revectorization; registers for 96 sums instead of 48). Lanes are never mixed, so both give the same bits.
 */
export let wide: bool = false;
export function setWide(value: bool): void {
  wide = value;
}

/** Sum of squares of everything stored with `square` since `resetSquares`, four partial sums. */
export let squares: v128 = f32x4.splat(0);

export function resetSquares(): void {
  squares = splat(0);
}

// @ts-ignore: decorator
@inline
export function addSquares(left: v128, right: v128): void {
  squares = fma(left, left, squares);
  squares = fma(right, right, squares);
}

/**
 * out[i][0..8] = Σ_k a[k][i]·b[k][0..8] for TILE rows i; a has stride 12 floats, b 8 floats. Rows of `out` are
 * `outStride` bytes apart; its left four lanes are at `left`, its right four at `right`.
 */
export function microTile(
  a: usize,
  b: usize,
  depth: i32,
  left: usize,
  right: usize,
  outStride: usize,
  init: i32,
  bias: usize,
  square: bool,
): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  const zero = splat(0);
  l0 = l1 = l2 = l3 = l4 = l5 = r0 = r1 = r2 = r3 = r4 = r5 = zero;
  if (init == INIT_SPLAT) {
    l0 = r0 = v128.load32_splat(bias, 0);
    l1 = r1 = v128.load32_splat(bias, 4);
    l2 = r2 = v128.load32_splat(bias, 8);
    l3 = r3 = v128.load32_splat(bias, 12);
    if (TILE == 6) {
      l4 = r4 = v128.load32_splat(bias, 16);
      l5 = r5 = v128.load32_splat(bias, 20);
    }
  } else if (init == INIT_ACCUMULATE) {
    l0 = v128.load(left);
    r0 = v128.load(right);
    l1 = v128.load(left + outStride);
    r1 = v128.load(right + outStride);
    l2 = v128.load(left + 2 * outStride);
    r2 = v128.load(right + 2 * outStride);
    l3 = v128.load(left + 3 * outStride);
    r3 = v128.load(right + 3 * outStride);
    if (TILE == 6) {
      l4 = v128.load(left + 4 * outStride);
      r4 = v128.load(right + 4 * outStride);
      l5 = v128.load(left + 5 * outStride);
      r5 = v128.load(right + 5 * outStride);
    }
  }
  const end = b + <usize>depth * PANEL_BYTES;
  while (b < end) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(a, 0);
    l0 = fma(s, p, l0);
    r0 = fma(s, q, r0);
    s = v128.load32_splat(a, 4);
    l1 = fma(s, p, l1);
    r1 = fma(s, q, r1);
    s = v128.load32_splat(a, 8);
    l2 = fma(s, p, l2);
    r2 = fma(s, q, r2);
    s = v128.load32_splat(a, 12);
    l3 = fma(s, p, l3);
    r3 = fma(s, q, r3);
    if (TILE == 6) {
      s = v128.load32_splat(a, 16);
      l4 = fma(s, p, l4);
      r4 = fma(s, q, r4);
      s = v128.load32_splat(a, 20);
      l5 = fma(s, p, l5);
      r5 = fma(s, q, r5);
    }
    a += BLOCK_BYTES;
    b += PANEL_BYTES;
  }
  v128.store(left, l0);
  v128.store(right, r0);
  v128.store(left + outStride, l1);
  v128.store(right + outStride, r1);
  v128.store(left + 2 * outStride, l2);
  v128.store(right + 2 * outStride, r2);
  v128.store(left + 3 * outStride, l3);
  v128.store(right + 3 * outStride, r3);
  if (TILE == 6) {
    v128.store(left + 4 * outStride, l4);
    v128.store(right + 4 * outStride, r4);
    v128.store(left + 5 * outStride, l5);
    v128.store(right + 5 * outStride, r5);
  }
  if (square) {
    let s = squares;
    let t = f32x4.mul(r0, r0);
    s = fma(l0, l0, s);
    s = fma(l1, l1, s);
    t = fma(r1, r1, t);
    s = fma(l2, l2, s);
    t = fma(r2, r2, t);
    s = fma(l3, l3, s);
    t = fma(r3, r3, t);
    if (TILE == 6) {
      s = fma(l4, l4, s);
      t = fma(r4, r4, t);
      s = fma(l5, l5, s);
      t = fma(r5, r5, t);
    }
    squares = f32x4.add(s, t);
  }
}

/** out[i][0..8] (+)= Σ_n w[n][i]·y[n][0..8] over `blocks` weight blocks of 12 outputs; i runs over TILE inputs. */
export function microTileInput(w: usize, pitch: usize, y: usize, blocks: i32, out: usize, accumulate: bool): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  const zero = splat(0);
  l0 = l1 = l2 = l3 = l4 = l5 = r0 = r1 = r2 = r3 = r4 = r5 = zero;
  if (accumulate) {
    l0 = v128.load(out, 0);
    r0 = v128.load(out, 16);
    l1 = v128.load(out, 32);
    r1 = v128.load(out, 48);
    l2 = v128.load(out, 64);
    r2 = v128.load(out, 80);
    l3 = v128.load(out, 96);
    r3 = v128.load(out, 112);
    if (TILE == 6) {
      l4 = v128.load(out, 128);
      r4 = v128.load(out, 144);
      l5 = v128.load(out, 160);
      r5 = v128.load(out, 176);
    }
  }
  for (let block = 0; block < blocks; block++) {
    const end = w + BLOCK_BYTES;
    let a = w;
    while (a < end) {
      const p = v128.load(y);
      const q = v128.load(y, 16);
      let s = v128.load32_splat(a, 0);
      l0 = fma(s, p, l0);
      r0 = fma(s, q, r0);
      s = v128.load32_splat(a, 48);
      l1 = fma(s, p, l1);
      r1 = fma(s, q, r1);
      s = v128.load32_splat(a, 96);
      l2 = fma(s, p, l2);
      r2 = fma(s, q, r2);
      s = v128.load32_splat(a, 144);
      l3 = fma(s, p, l3);
      r3 = fma(s, q, r3);
      if (TILE == 6) {
        s = v128.load32_splat(a, 192);
        l4 = fma(s, p, l4);
        r4 = fma(s, q, r4);
        s = v128.load32_splat(a, 240);
        l5 = fma(s, p, l5);
        r5 = fma(s, q, r5);
      }
      a += 4;
      y += PANEL_BYTES;
    }
    w += pitch;
  }
  v128.store(out, l0, 0);
  v128.store(out, r0, 16);
  v128.store(out, l1, 32);
  v128.store(out, r1, 48);
  v128.store(out, l2, 64);
  v128.store(out, r2, 80);
  v128.store(out, l3, 96);
  v128.store(out, r3, 112);
  if (TILE == 6) {
    v128.store(out, l4, 128);
    v128.store(out, r4, 144);
    v128.store(out, l5, 160);
    v128.store(out, r5, 176);
  }
}

/** Copies twelve rows of eight gradients, 48 bytes apart, to a tile. */
export function loadTile(tile: usize, left: usize, right: usize): void {
  for (const end = tile + TILE_BYTES; tile < end; tile += 32) {
    v128.store(tile, v128.load(left));
    v128.store(tile, v128.load(right), 16);
    left += BLOCK_BYTES;
    right += BLOCK_BYTES;
  }
}

/** Copies a tile to its place and adds its squares to `squares` in the order of `microTile`. */
export function storeTile(tile: usize, left: usize, right: usize, square: bool): void {
  for (let t = 0; t < 12; t += TILE) {
    let s = squares;
    let u = splat(0);
    for (let i = 0; i < TILE; i++) {
      const l = v128.load(tile);
      const r = v128.load(tile, 16);
      v128.store(left, l);
      v128.store(right, r);
      s = fma(l, l, s);
      u = i == 0 ? f32x4.mul(r, r) : fma(r, r, u);
      tile += 32;
      left += BLOCK_BYTES;
      right += BLOCK_BYTES;
    }
    if (square) squares = f32x4.add(s, u);
  }
}
