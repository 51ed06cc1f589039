// Dropout from counters: whether an element is kept is a hash of its place in the operation, of the operation (site) and
// of the step's two keys. No state, so threads, order and resuming change nothing, and the backward pass recomputes the mask.
import { splat } from '../math';
import { packStrip12, packStrip8 } from '../products/pack';
import { args, nextUnit } from '../sync';
import { Hyper } from '../../abi/hyper.ts';
import { DropoutMask, ReluBackward, ReluForward } from '../../abi/sequence.ts';

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

export function dropout(op: usize): void {
  const a = args<DropoutMask>(op);
  const bytes = <usize>a.F << 5;
  const key0 = siteKey0(a.hyper, a.site);
  const key1 = siteKey1(a.hyper, a.site);
  const threshold = i32x4.splat(a.threshold);
  const scale = splat(a.keepScale);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * a.pitch;
    const x = a.x + base;
    const y = a.y + base;
    if (a.threshold == 0) {
      if (x != y) memory.copy(y, x, bytes);
    } else {
      const first = panel * a.F * 8;
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(y + at, f32x4.mul(v128.load(x + at), keep));
      }
    }
    if (a.strip == 0) continue;
    packStrip12(y, ((a.F + 11) / 12) * 12, a.strip, a.stripPitch, panel * 8);
  }
}

export function relu(op: usize): void {
  const a = args<ReluForward>(op);
  const bytes = <usize>a.F << 5;
  const key0 = siteKey0(a.hyper, a.site);
  const key1 = siteKey1(a.hyper, a.site);
  const threshold = i32x4.splat(a.threshold);
  const scale = splat(a.keepScale);
  const zero = splat(0);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const x = a.x + <usize>panel * a.pitch;
    const first = panel * a.F * 8;
    if (a.threshold == 0) {
      for (let at: usize = 0; at < bytes; at += 16) v128.store(x + at, f32x4.max(v128.load(x + at), zero));
    } else {
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(x + at, f32x4.mul(f32x4.max(v128.load(x + at), zero), keep));
      }
    }
    packStrip12(x, ((a.F + 11) / 12) * 12, a.strip, a.stripPitch, panel * 8);
  }
}

export function reluBackward(op: usize): void {
  const a = args<ReluBackward>(op);
  const bytes = <usize>a.F << 5;
  const scale = splat(a.keepScale);
  const zero = splat(0);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * a.pitch;
    const dx = a.dx + base;
    const y = a.y + base;
    for (let at: usize = 0; at < bytes; at += 16) {
      const alive = f32x4.gt(v128.load(y + at), zero);
      v128.store(dx + at, v128.and(f32x4.mul(v128.load(dx + at), scale), alive));
    }
    packStrip8(dx, 0, (a.F + 7) & ~7, a.strip, a.stripPitch, panel * 8);
  }
}
