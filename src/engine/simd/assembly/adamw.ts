// AdamW with decoupled weight decay and clipping by the global norm of all gradients.
import { fma, splat } from './math';
import { arg, nextUnit, pointer } from './sync';
import {
  HYPER_BETA1,
  HYPER_BETA2,
  HYPER_CLIP,
  HYPER_DECAY,
  HYPER_EPS,
  HYPER_INV_SQRT_BC2,
  HYPER_STEP_SIZE,
} from '../opcodes';

/** Moments below this are zero: WebAssembly cannot flush denormals, and √(1e-30) is nothing beside ε. */
const FLUSH: f32 = 1e-30;
/** Gradients whose square would be denormal. */
const FLUSH_GRADIENT: f32 = 1e-18;

/** Global gradient norm from the sum-of-squares slots, always in slot order. */
export function globalNorm(slots: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) sum += load<f64>(slots + (<usize>i << 3));
  return sqrt<f64>(sum);
}

// @ts-ignore: decorator
@inline
function flush(x: v128, limit: v128): v128 {
  return v128.and(x, f32x4.ge(f32x4.abs(x), limit));
}

/** One update of `bytes` bytes of w, m, v with gradient g·factor. */
export function adamwRange(w: usize, g: usize, m: usize, v: usize, bytes: usize, factor: f32, hyper: usize): void {
  const beta1 = v128.load32_splat(hyper + (HYPER_BETA1 << 2));
  const beta2 = v128.load32_splat(hyper + (HYPER_BETA2 << 2));
  const keep1 = f32x4.sub(splat(1), beta1);
  const keep2 = f32x4.sub(splat(1), beta2);
  const decay = v128.load32_splat(hyper + (HYPER_DECAY << 2));
  const step = v128.load32_splat(hyper + (HYPER_STEP_SIZE << 2));
  const correction = v128.load32_splat(hyper + (HYPER_INV_SQRT_BC2 << 2));
  const eps = v128.load32_splat(hyper + (HYPER_EPS << 2));
  const clip = splat(factor);
  const limit = splat(FLUSH);
  const gradientLimit = splat(FLUSH_GRADIENT);
  for (let at: usize = 0; at < bytes; at += 16) {
    const d = flush(f32x4.mul(v128.load(g + at), clip), gradientLimit);
    const first = flush(fma(keep1, d, f32x4.mul(beta1, v128.load(m + at))), limit);
    const second = flush(fma(keep2, f32x4.mul(d, d), f32x4.mul(beta2, v128.load(v + at))), limit);
    v128.store(m + at, first);
    v128.store(v + at, second);
    const root = fma(f32x4.sqrt(second), correction, eps);
    const update = f32x4.div(f32x4.mul(step, first), root);
    v128.store(w + at, f32x4.sub(f32x4.mul(v128.load(w + at), decay), update));
  }
}

/** Factor of clip_grad_norm_: min(1, clip/(norm + 1e-6)), or 1 when clip is 0. */
export function clipFactor(norm: f64, clip: f32): f32 {
  return clip > 0 ? <f32>min<f64>(1, <f64>clip / (norm + 1e-6)) : 1;
}

/**
 * args: 0 w, 1 g, 2 m, 3 v, 4 bytes, 5 bytes a unit, 6 sum-of-squares slots, 7 slots, 8 hyperparameters.
 * Units: ranges.
 */
export function adamw(op: usize): void {
  const bytes = pointer(op, 4);
  const size = pointer(op, 5);
  const hyper = pointer(op, 8);
  const factor = clipFactor(globalNorm(pointer(op, 6), arg(op, 7)), load<f32>(hyper + (HYPER_CLIP << 2)));
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const from = <usize>unit * size;
    const length = min<usize>(size, bytes - from);
    adamwRange(
      pointer(op, 0) + from,
      pointer(op, 1) + from,
      pointer(op, 2) + from,
      pointer(op, 3) + from,
      length,
      factor,
      hyper,
    );
  }
}
