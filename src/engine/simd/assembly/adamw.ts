// AdamW with decoupled weight decay and clipping by the global norm of all gradients.
import { fma, splat } from './math';
import { args, nextUnit } from './sync';
import { Hyper } from '../abi/hyper.ts';
import { Adamw } from '../abi/optimizer.ts';

/** Global gradient norm from the sum-of-squares slots, always in slot order. */
export function globalNorm(slots: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) sum += load<f64>(slots + (<usize>i << 3));
  return sqrt<f64>(sum);
}

// @ts-ignore: decorator
@inline
function firstMoment(d: v128, m: v128, beta1: v128, keep1: v128, grain: v128): v128 {
  return f32x4.sub(fma(keep1, d, fma(beta1, m, grain)), grain);
}

// @ts-ignore: decorator
@inline
function secondMoment(d: v128, v: v128, beta2: v128, keep2: v128, grain: v128): v128 {
  return f32x4.sub(fma(keep2, f32x4.mul(d, d), fma(beta2, v, grain)), grain);
}

// @ts-ignore: decorator
@inline
function updated(w: v128, first: v128, second: v128, decay: v128, step: v128, eps: v128): v128 {
  return fma(w, decay, f32x4.div(f32x4.mul(step, first), f32x4.add(f32x4.sqrt(second), eps)));
}

/**
 * One update of four weights; `keep1` and `keep2` hold the clipping factor and its square, `step` is negative. A moment
 * that fades out would become denormal, which WebAssembly cannot flush and some processors compute 100 times slower:
 * adding a grain and taking it away again leaves multiples of the grain's last bit (1e-32, 1e-37), normal numbers or 0.
 */
// @ts-ignore: decorator
@inline
export function adamwVector(
  g: usize,
  w: usize,
  m: usize,
  v: usize,
  beta1: v128,
  beta2: v128,
  keep1: v128,
  keep2: v128,
  decay: v128,
  step: v128,
  eps: v128,
  grainM: v128,
  grainV: v128,
): void {
  const d = v128.load(g);
  const first = firstMoment(d, v128.load(m), beta1, keep1, grainM);
  const second = secondMoment(d, v128.load(v), beta2, keep2, grainV);
  v128.store(m, first);
  v128.store(v, second);
  v128.store(w, updated(v128.load(w), first, second, decay, step, eps));
}

/** The updates of `adamwVector` for two neighbouring vectors, side by side for V8 to pair; see `wide` in gemm.ts. */
// @ts-ignore: decorator
@inline
export function adamwPair(
  g: usize,
  w: usize,
  m: usize,
  v: usize,
  beta1: v128,
  beta2: v128,
  keep1: v128,
  keep2: v128,
  decay: v128,
  step: v128,
  eps: v128,
  grainM: v128,
  grainV: v128,
): void {
  const dl = v128.load(g);
  const dr = v128.load(g, 16);
  const ml = v128.load(m);
  const mr = v128.load(m, 16);
  const vl = v128.load(v);
  const vr = v128.load(v, 16);
  const wl = v128.load(w);
  const wr = v128.load(w, 16);
  const firstL = firstMoment(dl, ml, beta1, keep1, grainM);
  const firstR = firstMoment(dr, mr, beta1, keep1, grainM);
  const secondL = secondMoment(dl, vl, beta2, keep2, grainV);
  const secondR = secondMoment(dr, vr, beta2, keep2, grainV);
  v128.store(m, firstL);
  v128.store(m, firstR, 16);
  v128.store(v, secondL);
  v128.store(v, secondR, 16);
  v128.store(w, updated(wl, firstL, secondL, decay, step, eps));
  v128.store(w, updated(wr, firstR, secondR, decay, step, eps), 16);
}

/** One update of `bytes` bytes of w, m, v with gradient g·factor. */
export function adamwRange(w: usize, g: usize, m: usize, v: usize, bytes: usize, factor: f32, hyper: Hyper): void {
  const beta1 = splat(hyper.beta1);
  const beta2 = splat(hyper.beta2);
  const clip = splat(factor);
  const keep1 = f32x4.mul(splat(hyper.keep1), clip);
  const keep2 = f32x4.mul(splat(hyper.keep2), f32x4.mul(clip, clip));
  const decay = splat(hyper.decay);
  const step = splat(hyper.stepSize);
  const eps = splat(hyper.eps);
  const grainM = splat(hyper.grainM);
  const grainV = splat(hyper.grainV);
  const end = w + bytes;
  for (const pairs = w + (bytes & ~31); w < pairs; w += 32) {
    adamwPair(g, w, m, v, beta1, beta2, keep1, keep2, decay, step, eps, grainM, grainV);
    g += 32;
    m += 32;
    v += 32;
  }
  for (; w < end; w += 16) {
    adamwVector(g, w, m, v, beta1, beta2, keep1, keep2, decay, step, eps, grainM, grainV);
    g += 16;
    m += 16;
    v += 16;
  }
}

/** Factor of clip_grad_norm_: min(1, clip/(norm + 1e-6)), or 1 when clip is 0. */
export function clipFactor(norm: f64, clip: f32): f32 {
  return clip > 0 ? <f32>min<f64>(1, <f64>clip / (norm + 1e-6)) : 1;
}

export function adamw(op: usize): void {
  const a = args<Adamw>(op);
  const bytes = a.bytes;
  const size = a.unitBytes;
  const hyper = changetype<Hyper>(a.hyper);
  const factor = clipFactor(globalNorm(a.slots, a.slotCount), hyper.clip);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const from = <usize>unit * size;
    const length = min<usize>(size, bytes - from);
    adamwRange(
      a.w + from,
      a.g + from,
      a.m + from,
      a.v + from,
      length,
      factor,
      hyper,
    );
  }
}
