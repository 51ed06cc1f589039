// Tiles of 6 × 16 for machines where V8 pairs neighbouring vectors into 256 bits (`wide` in tile.ts).
import { fma, splat } from '../math';
import { BLOCK_BYTES, PANEL_BYTES } from './tile';

/** Layout of six rows in a block of twelve: side by side at every k, or each in rows of its own. */
export type Beside = i32;
export type Below = f32;

/**
 * Two tiles at once, six rows × the panels `b` and `c`, into `left` and `right`, rows of 32 bytes: of `microTile` where the
 * six rows of `a` lie `Beside` each other, of `microTileInput` where they lie `Below`. The reduction runs over `spans`
 * stretches of `span` bytes, `pitch` apart. Neighbouring vectors are read, computed and written side by side for V8 to
 * pair. `bias`: six floats, or ZEROS.
 */
export function wideTile<Rows>(
  a: usize,
  pitch: usize,
  spans: i32,
  span: usize,
  b: usize,
  c: usize,
  left: usize,
  right: usize,
  accumulate: bool,
  bias: usize,
): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  let m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128;
  let n0: v128, n1: v128, n2: v128, n3: v128, n4: v128, n5: v128;
  if (accumulate) {
    l0 = v128.load(left, 0);
    r0 = v128.load(left, 16);
    m0 = v128.load(right, 0);
    n0 = v128.load(right, 16);
    l1 = v128.load(left, 32);
    r1 = v128.load(left, 48);
    m1 = v128.load(right, 32);
    n1 = v128.load(right, 48);
    l2 = v128.load(left, 64);
    r2 = v128.load(left, 80);
    m2 = v128.load(right, 64);
    n2 = v128.load(right, 80);
    l3 = v128.load(left, 96);
    r3 = v128.load(left, 112);
    m3 = v128.load(right, 96);
    n3 = v128.load(right, 112);
    l4 = v128.load(left, 128);
    r4 = v128.load(left, 144);
    m4 = v128.load(right, 128);
    n4 = v128.load(right, 144);
    l5 = v128.load(left, 160);
    r5 = v128.load(left, 176);
    m5 = v128.load(right, 160);
    n5 = v128.load(right, 176);
  } else {
    l0 = r0 = m0 = n0 = v128.load32_splat(bias, 0);
    l1 = r1 = m1 = n1 = v128.load32_splat(bias, 4);
    l2 = r2 = m2 = n2 = v128.load32_splat(bias, 8);
    l3 = r3 = m3 = n3 = v128.load32_splat(bias, 12);
    l4 = r4 = m4 = n4 = v128.load32_splat(bias, 16);
    l5 = r5 = m5 = n5 = v128.load32_splat(bias, 20);
  }
  for (let i = 0; i < spans; i++) {
    const end = a + span;
    let at = a;
    while (at < end) {
      const p = v128.load(b);
      const q = v128.load(b, 16);
      const t = v128.load(c);
      const u = v128.load(c, 16);
      let s = v128.load32_splat(at, isFloat<Rows>() ? 0 : 0);
      l0 = fma(s, p, l0);
      r0 = fma(s, q, r0);
      m0 = fma(s, t, m0);
      n0 = fma(s, u, n0);
      s = v128.load32_splat(at, isFloat<Rows>() ? 48 : 4);
      l1 = fma(s, p, l1);
      r1 = fma(s, q, r1);
      m1 = fma(s, t, m1);
      n1 = fma(s, u, n1);
      s = v128.load32_splat(at, isFloat<Rows>() ? 96 : 8);
      l2 = fma(s, p, l2);
      r2 = fma(s, q, r2);
      m2 = fma(s, t, m2);
      n2 = fma(s, u, n2);
      s = v128.load32_splat(at, isFloat<Rows>() ? 144 : 12);
      l3 = fma(s, p, l3);
      r3 = fma(s, q, r3);
      m3 = fma(s, t, m3);
      n3 = fma(s, u, n3);
      s = v128.load32_splat(at, isFloat<Rows>() ? 192 : 16);
      l4 = fma(s, p, l4);
      r4 = fma(s, q, r4);
      m4 = fma(s, t, m4);
      n4 = fma(s, u, n4);
      s = v128.load32_splat(at, isFloat<Rows>() ? 240 : 20);
      l5 = fma(s, p, l5);
      r5 = fma(s, q, r5);
      m5 = fma(s, t, m5);
      n5 = fma(s, u, n5);
      at += isFloat<Rows>() ? 4 : BLOCK_BYTES;
      b += PANEL_BYTES;
      c += PANEL_BYTES;
    }
    a += pitch;
  }
  v128.store(left, l0, 0);
  v128.store(left, r0, 16);
  v128.store(left, l1, 32);
  v128.store(left, r1, 48);
  v128.store(left, l2, 64);
  v128.store(left, r2, 80);
  v128.store(left, l3, 96);
  v128.store(left, r3, 112);
  v128.store(left, l4, 128);
  v128.store(left, r4, 144);
  v128.store(left, l5, 160);
  v128.store(left, r5, 176);
  v128.store(right, m0, 0);
  v128.store(right, n0, 16);
  v128.store(right, m1, 32);
  v128.store(right, n1, 48);
  v128.store(right, m2, 64);
  v128.store(right, n2, 80);
  v128.store(right, m3, 96);
  v128.store(right, n3, 112);
  v128.store(right, m4, 128);
  v128.store(right, n4, 144);
  v128.store(right, m5, 160);
  v128.store(right, n5, 176);
}

/** Products of the twelve rows of a block with two panels: two wide tiles, rows of 32 bytes at `left` and `right`. */
export function wideBlock(
  a: usize,
  b: usize,
  c: usize,
  depth: i32,
  left: usize,
  right: usize,
  accumulate: bool,
  bias: usize,
): void {
  const span = <usize>depth * BLOCK_BYTES;
  wideTile<Beside>(a, 0, 1, span, b, c, left, right, accumulate, bias);
  wideTile<Beside>(a + 24, 0, 1, span, b, c, left + 192, right + 192, accumulate, bias + 24);
}
