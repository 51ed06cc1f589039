// Operations on single windows: unit length, position weights, keys, products of all pairs; see ../abi/gram.ts.
import { fma, splat, sumLanes64 } from './math';
import { args, nextUnit } from './sync';
import { KeyRows, PairProducts, SkipRows, UnitVectors, WINDOW_UNIT_ROWS } from '../abi/gram.ts';

/** Σ a·b over `bytes` bytes, a multiple of 32. */
// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, bytes: usize): f64 {
  let even = splat(0);
  let odd = splat(0);
  for (const end = a + bytes; a < end; a += 32) {
    even = fma(v128.load(a), v128.load(b), even);
    odd = fma(v128.load(a, 16), v128.load(b, 16), odd);
    b += 32;
  }
  return sumLanes64(f32x4.add(even, odd));
}

/** to ← x·factor + y·other over `bytes` bytes. */
// @ts-ignore: decorator
@inline
function combineRows(to: usize, x: usize, factor: f32, y: usize, other: f32, bytes: usize): void {
  const f = splat(factor);
  const o = splat(other);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(to + at, fma(v128.load(y + at), o, f32x4.mul(v128.load(x + at), f)));
  }
}

export function unitVectors(op: usize): void {
  const a = args<UnitVectors>(op);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const end = min((unit + 1) * WINDOW_UNIT_ROWS, a.count);
    for (let row = unit * WINDOW_UNIT_ROWS; row < end; row++) {
      for (let i = 0; i < a.vectors; i++) unitLength(a.rows + <usize>row * a.pitch + <usize>i * a.vectorBytes, a.vectorBytes);
    }
  }
}

/** v ← v / max(|v|, 1e-8) */
function unitLength(v: usize, bytes: usize): void {
  combineRows(v, v, <f32>(1 / max<f64>(sqrt<f64>(dot(v, v, bytes)), 1e-8)), v, 0, bytes);
}

export function skipRows(op: usize): void {
  const a = args<SkipRows>(op);
  const bytes = a.vectorBytes;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const end = min((unit + 1) * WINDOW_UNIT_ROWS, a.count);
    for (let row = unit * WINDOW_UNIT_ROWS; row < end; row++) {
      const x = a.rows + <usize>row * a.pitch;
      const p = a.out + <usize>row * a.outPitch;
      memory.fill(p, 0, bytes);
      for (let t = 0; t < a.T; t++) {
        combineRows(p, p, 1, x + <usize>t * bytes, load<f32>(a.weights + (<usize>t << 2)), bytes);
      }
      memory.copy(p + bytes, x + <usize>(a.T - 1) * bytes, bytes);
      combineRows(p + 2 * bytes, x + a.target, 1, p, -1, bytes);
    }
  }
}

export function keyRows(op: usize): void {
  const a = args<KeyRows>(op);
  const square = max<f64>(dot(a.mean, a.mean, a.vectorBytes), 1e-30);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const end = min((unit + 1) * WINDOW_UNIT_ROWS, a.count);
    for (let row = unit * WINDOW_UNIT_ROWS; row < end; row++) {
      const p = a.rows + <usize>row * a.pitch;
      const key = a.out + <usize>row * a.outPitch;
      combineRows(key, p, 1, a.mean, -(<f32>(dot(p, a.mean, a.vectorBytes) / square)), a.vectorBytes);
      unitLength(key, a.vectorBytes);
    }
  }
}

export function pairProducts(op: usize): void {
  const a = args<PairProducts>(op);
  const pairs = (a.vectors * (a.vectors + 1)) / 2;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const end = min((unit + 1) * WINDOW_UNIT_ROWS, a.count);
    let out = a.out + <usize>(unit * WINDOW_UNIT_ROWS * pairs) * 4;
    for (let row = unit * WINDOW_UNIT_ROWS; row < end; row++) {
      const first = a.rows + <usize>row * a.pitch;
      for (let i = 0; i < a.vectors; i++) {
        for (let j = i; j < a.vectors; j++) {
          store<f32>(out, <f32>dot(first + <usize>i * a.vectorBytes, first + <usize>j * a.vectorBytes, a.vectorBytes));
          out += 4;
        }
      }
    }
  }
}
