// Row-wise work on vectors of one batch row: dot products, scaled sums, and moving eight rows between the row layout
// [B][L] and the batch layouts of gemm.ts. L is the width rounded up to 24 floats, pads zero.
import { fma, splat, sumLanes, transpose4 } from './math';

// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, bytes: usize): f32 {
  let s0 = splat(0);
  let s1 = splat(0);
  let s2 = splat(0);
  let s3 = splat(0);
  const end = a + bytes;
  const even = a + (bytes & ~(<usize>63));
  while (a < even) {
    s0 = fma(v128.load(a, 0), v128.load(b, 0), s0);
    s1 = fma(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = fma(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = fma(v128.load(a, 48), v128.load(b, 48), s3);
    a += 64;
    b += 64;
  }
  while (a < end) {
    s0 = fma(v128.load(a), v128.load(b), s0);
    a += 16;
    b += 16;
  }
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y += s·x */
// @ts-ignore: decorator
@inline
export function addScaled(y: usize, x: usize, s: f32, bytes: usize): void {
  const factor = splat(s);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, fma(factor, v128.load(x + i), v128.load(y + i)));
}

/** y = s·x */
// @ts-ignore: decorator
@inline
export function scaled(y: usize, x: usize, s: f32, bytes: usize): void {
  const factor = splat(s);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, f32x4.mul(factor, v128.load(x + i)));
}

// @ts-ignore: decorator
@inline
export function clear(y: usize, bytes: usize): void {
  memory.fill(y, 0, bytes);
}

/** Eight rows of `features` floats (a multiple of 4), `rowPitch` bytes apart, into one panel. */
export function rowsToPanel(rows: usize, rowPitch: usize, features: i32, panel: usize): void {
  for (let f = 0; f < features; f += 4) {
    const from = rows + (<usize>f << 2);
    const to = panel + (<usize>f << 5);
    transpose4(from, rowPitch, to, 32);
    transpose4(from + 4 * rowPitch, rowPitch, to + 16, 32);
  }
}

/** One panel into eight rows. */
export function panelToRows(panel: usize, features: i32, rows: usize, rowPitch: usize): void {
  for (let f = 0; f < features; f += 4) {
    const from = panel + (<usize>f << 5);
    const to = rows + (<usize>f << 2);
    transpose4(from, 32, to, rowPitch);
    transpose4(from + 16, 32, to + 4 * rowPitch, rowPitch);
  }
}

/** Eight rows into strip12 at batch row `row`; `features` is a multiple of 12. */
export function rowsToStrip12(rows: usize, rowPitch: usize, features: i32, strip: usize, pitch: usize, row: i32): void {
  for (let f = 0; f < features; f += 12) {
    const to = strip + <usize>(f / 12) * pitch + <usize>row * 48;
    const from = rows + (<usize>f << 2);
    for (let i: usize = 0; i < 8; i++) {
      v128.store(to + i * 48, v128.load(from + i * rowPitch, 0), 0);
      v128.store(to + i * 48, v128.load(from + i * rowPitch, 16), 16);
      v128.store(to + i * 48, v128.load(from + i * rowPitch, 32), 32);
    }
  }
}

/** Eight rows into strip8 at batch row `row`; `features` is a multiple of 8. */
export function rowsToStrip8(rows: usize, rowPitch: usize, features: i32, strip: usize, pitch: usize, row: i32): void {
  for (let f = 0; f < features; f += 8) {
    const to = strip + <usize>(f >> 3) * pitch + <usize>row * 32;
    const from = rows + (<usize>f << 2);
    for (let i: usize = 0; i < 8; i++) {
      v128.store(to + i * 32, v128.load(from + i * rowPitch, 0), 0);
      v128.store(to + i * 32, v128.load(from + i * rowPitch, 16), 16);
    }
  }
}
