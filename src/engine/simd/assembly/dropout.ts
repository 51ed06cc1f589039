// Dropout from counters: whether an element is kept is a hash of its place in the operation, of the operation (site) and
// of the step's two keys. No state, so threads, order and resuming change nothing, and the backward pass asks again.
import { splat } from './math';
import { packStrip12, packStrip8 } from './gemm';
import { arg, nextUnit, pointer, scalar } from './sync';
import { Hyper } from '../abi/hyper.ts';

/** A bijection of 32 bits without visible bias (Ettinger's lowbias32). */
function mix1(value: u32): u32 {
  let x = value;
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  return x ^ (x >> 16);
}

// @ts-ignore: decorator
@inline
function mix4(value: v128): v128 {
  let x = value;
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(<i32>0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/** First key of a site in this step; `hyper` is the block of hyperparameters. */
export function siteKey0(hyper: usize, site: i32): v128 {
  return i32x4.splat(mix1(changetype<Hyper>(hyper).dropoutKey0 + <u32>site * 0x9e3779b9));
}

export function siteKey1(hyper: usize, site: i32): v128 {
  return i32x4.splat(mix1(changetype<Hyper>(hyper).dropoutKey1 ^ (<u32>site * 0x85ebca6b)));
}

/**
 * Factors of four elements from number `index` on: `scale` where the top 24 bits of the hash reach `threshold` = p·2²⁴,
 * else 0.
 */
// @ts-ignore: decorator
@inline
export function keep4(index: i32, key0: v128, key1: v128, threshold: v128, scale: v128): v128 {
  const counter = i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3));
  const hash = mix4(v128.xor(mix4(i32x4.add(counter, key0)), key1));
  return v128.and(scale, i32x4.ge_s(i32x4.shr_u(hash, 8), threshold));
}

/**
 * Y = X ⊙ mask, optionally again as strip12; X may be Y. With threshold 0 everything is kept as it is.
 * args: 0 X, 1 Y, 2 pitch of both, 3 F, 4 strip12 or 0, 5 its pitch, 6 threshold, 7 scale, 8 site, 9 hyperparameters.
 * Units: panels.
 */
export function dropout(op: usize): void {
  const bytes = <usize>arg(op, 3) << 5;
  const key0 = siteKey0(pointer(op, 9), arg(op, 8));
  const key1 = siteKey1(pointer(op, 9), arg(op, 8));
  const threshold = i32x4.splat(arg(op, 6));
  const scale = splat(scalar(op, 7));
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pointer(op, 2);
    const x = pointer(op, 0) + base;
    const y = pointer(op, 1) + base;
    if (arg(op, 6) == 0) {
      if (x != y) memory.copy(y, x, bytes);
    } else {
      const first = panel * arg(op, 3) * 8;
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(y + at, f32x4.mul(v128.load(x + at), keep));
      }
    }
    if (pointer(op, 4) == 0) continue;
    packStrip12(y, ((arg(op, 3) + 11) / 12) * 12, pointer(op, 4), pointer(op, 5), panel * 8);
  }
}

/**
 * X = relu(X) ⊙ mask in place and as strip12. args: 0 X, 1 pitch, 2 F, 3 strip12, 4 its pitch, 5 threshold, 6 scale,
 * 7 site, 8 hyperparameters. Units: panels.
 */
export function relu(op: usize): void {
  const bytes = <usize>arg(op, 2) << 5;
  const key0 = siteKey0(pointer(op, 8), arg(op, 7));
  const key1 = siteKey1(pointer(op, 8), arg(op, 7));
  const threshold = i32x4.splat(arg(op, 5));
  const scale = splat(scalar(op, 6));
  const zero = splat(0);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const x = pointer(op, 0) + <usize>panel * pointer(op, 1);
    const first = panel * arg(op, 2) * 8;
    if (arg(op, 5) == 0) {
      for (let at: usize = 0; at < bytes; at += 16) v128.store(x + at, f32x4.max(v128.load(x + at), zero));
    } else {
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(x + at, f32x4.mul(f32x4.max(v128.load(x + at), zero), keep));
      }
    }
    packStrip12(x, ((arg(op, 2) + 11) / 12) * 12, pointer(op, 3), pointer(op, 4), panel * 8);
  }
}

/**
 * dX = scale·dX where the output Y of `relu` is above 0, else 0; in place and as strip8.
 * args: 0 dX, 1 Y, 2 pitch of both, 3 F, 4 strip8, 5 its pitch, 6 scale. Units: panels.
 */
export function reluBackward(op: usize): void {
  const bytes = <usize>arg(op, 3) << 5;
  const scale = splat(scalar(op, 6));
  const zero = splat(0);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pointer(op, 2);
    const dx = pointer(op, 0) + base;
    const y = pointer(op, 1) + base;
    for (let at: usize = 0; at < bytes; at += 16) {
      const alive = f32x4.gt(v128.load(y + at), zero);
      v128.store(dx + at, v128.and(f32x4.mul(v128.load(dx + at), scale), alive));
    }
    packStrip8(dx, 0, (arg(op, 3) + 7) & ~7, pointer(op, 4), pointer(op, 5), panel * 8);
  }
}
