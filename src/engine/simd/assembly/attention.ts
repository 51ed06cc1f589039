// Causal multi-head attention over T positions of a sequence, eight batch rows in the lanes, so that a product of query
// and key needs no horizontal sum. S features a head; head n lies in features [n·S, (n+1)·S). Queries may be all T
// positions or only the last ones, from `first` on; keys are features [0, H) and values [H, 2H) of one panel.
import { exp4, fma, splat } from './math';
import { keep4, siteKey0, siteKey1 } from './dropout';
import { packStrip12, packStrip8 } from './gemm';
import { arg, nextUnit, pointer, scalar } from './sync';

/** Σ_s a[s]·b[s] of S features of two panels, four rows. */
// @ts-ignore: decorator
@inline
function dotHead(a: usize, b: usize, bytes: usize): v128 {
  let even = splat(0);
  let odd = splat(0);
  let at: usize = 0;
  for (; at + 64 <= bytes; at += 64) {
    even = fma(v128.load(a + at), v128.load(b + at), even);
    odd = fma(v128.load(a + at, 32), v128.load(b + at, 32), odd);
  }
  if (at < bytes) even = fma(v128.load(a + at), v128.load(b + at), even);
  return f32x4.add(even, odd);
}

/** out (+)= w·x over S features of four rows. */
// @ts-ignore: decorator
@inline
function addHead(out: usize, x: usize, w: v128, bytes: usize, isFirst: bool): void {
  if (isFirst) {
    for (let at: usize = 0; at < bytes; at += 32) v128.store(out + at, f32x4.mul(w, v128.load(x + at)));
  } else {
    for (let at: usize = 0; at < bytes; at += 32) {
      v128.store(out + at, fma(w, v128.load(x + at), v128.load(out + at)));
    }
  }
}

/** Number of the eight weights of query i, key j and head n of a panel; they lie 32 bytes apart. */
// @ts-ignore: decorator
@inline
function weightIndex(op: usize, panel: i32, n: i32, i: i32, j: i32): i32 {
  const T = arg(op, 7);
  return ((panel * arg(op, 9) + n) * T + i) * T + j;
}

/** Softmax over keys 0 … i of four rows in place; `at` is the weight of key 0. */
function softmaxKeys(at: usize, i: i32): void {
  const end = at + (<usize>i << 5);
  let top = v128.load(at);
  for (let k = at; k <= end; k += 32) top = f32x4.max(top, v128.load(k));
  let sum = splat(0);
  for (let k = at; k <= end; k += 32) {
    const e = exp4(f32x4.sub(v128.load(k), top));
    v128.store(k, e);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.div(splat(1), sum);
  for (let k = at; k <= end; k += 32) v128.store(k, f32x4.mul(v128.load(k), inverse));
}

/**
 * O_i = Σ_{j≤i} mask·w_ij·v_j with w_i = softmax(q_i·k_j·scale), as panel and strip12; keeps w before the mask.
 * args: 0 Q (first query step), 1 pitch, 2 KV, 3 pitch, 4 O, 5 pitch, 6 P, 7 T, 8 first query position, 9 heads, 10 S,
 *       11 weights [P][heads][T][T][8], 12 scale, 13 strip12, 14 its pitch, 15 threshold, 16 dropout scale, 17 site,
 *       18 hyperparameters. Units: panels of one step.
 */
export function attention(op: usize): void {
  const S = arg(op, 10);
  const heads = arg(op, 9);
  const first = arg(op, 8);
  const P = arg(op, 6);
  const bytes = <usize>S << 5;
  const key0 = siteKey0(pointer(op, 18), arg(op, 17));
  const key1 = siteKey1(pointer(op, 18), arg(op, 17));
  const threshold = i32x4.splat(arg(op, 15));
  const keepScale = splat(scalar(op, 16));
  const scale = splat(scalar(op, 12));
  const values = <usize>(heads * S) << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    for (let i = first; i < arg(op, 7); i++) {
      const step = (i - first) * P + panel;
      const q = pointer(op, 0) + <usize>step * pointer(op, 1);
      const out = pointer(op, 4) + <usize>step * pointer(op, 5);
      for (let n = 0; n < heads; n++) {
        const index = weightIndex(op, panel, n, i, 0);
        for (let half = 0; half < 8; half += 4) {
          const head = <usize>n * bytes + (<usize>half << 2);
          const w = pointer(op, 11) + (<usize>index << 5) + (<usize>half << 2);
          for (let j = 0; j <= i; j++) {
            const k = pointer(op, 2) + <usize>(j * P + panel) * pointer(op, 3);
            v128.store(w + (<usize>j << 5), f32x4.mul(dotHead(q + head, k + head, bytes), scale));
          }
          softmaxKeys(w, i);
          for (let j = 0; j <= i; j++) {
            const v = pointer(op, 2) + <usize>(j * P + panel) * pointer(op, 3) + values;
            let share = v128.load(w + (<usize>j << 5));
            if (arg(op, 15) != 0) {
              share = f32x4.mul(share, keep4((index + j) * 8 + half, key0, key1, threshold, keepScale));
            }
            addHead(out + head, v + head, share, bytes, j == 0);
          }
        }
      }
      packStrip12(out, ((heads * S + 11) / 12) * 12, pointer(op, 13), pointer(op, 14), step * 8);
    }
  }
}

/**
 * dQ and dKV from dO, each as panel and strip8. Keys that no query sees get zero gradients.
 * args: 0 Q, 1 pitch of Q and dQ, 2 KV, 3 pitch of KV and dKV, 4 dO, 5 pitch, 6 P, 7 T, 8 first query position, 9 heads,
 *       10 S, 11 weights, 12 scale, 13 dQ, 14 strip8, 15 its pitch, 16 dKV, 17 strip8, 18 its pitch, 19 threshold,
 *       20 dropout scale, 21 site, 22 hyperparameters. Units: panels of one step. Scratch: T vectors of four rows.
 */
export function attentionBackward(op: usize, scratch: usize): void {
  const H = arg(op, 9) * arg(op, 10);
  const T = arg(op, 7);
  const P = arg(op, 6);
  const first = arg(op, 8);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    for (let n = 0; n < arg(op, 9); n++) {
      headBackward(op, panel, n, 0, scratch);
      headBackward(op, panel, n, 4, scratch);
    }
    for (let t = 0; t < T; t++) {
      const step = t * P + panel;
      const dkv = pointer(op, 16) + <usize>step * pointer(op, 3);
      packStrip8(dkv, 0, (2 * H + 7) & ~7, pointer(op, 17), pointer(op, 18), step * 8);
      if (t < first) continue;
      const query = (t - first) * P + panel;
      const dq = pointer(op, 13) + <usize>query * pointer(op, 1);
      packStrip8(dq, 0, (H + 7) & ~7, pointer(op, 14), pointer(op, 15), query * 8);
    }
  }
}

/** One head of four rows from row `half` of a panel; see `attentionBackward` for the arguments. */
function headBackward(op: usize, panel: i32, n: i32, half: i32, dw: usize): void {
  const T = arg(op, 7);
  const P = arg(op, 6);
  const first = arg(op, 8);
  const bytes = <usize>arg(op, 10) << 5;
  const values = <usize>arg(op, 9) * bytes;
  const head = <usize>n * bytes + (<usize>half << 2);
  const pitch = pointer(op, 3);
  const kv = pointer(op, 2) + head;
  const dkv = pointer(op, 16) + head;
  const scale = splat(scalar(op, 12));
  const key0 = siteKey0(pointer(op, 22), arg(op, 21));
  const key1 = siteKey1(pointer(op, 22), arg(op, 21));
  const threshold = i32x4.splat(arg(op, 19));
  const keepScale = splat(scalar(op, 20));
  for (let i = first; i < T; i++) {
    const query = <usize>((i - first) * P + panel);
    const q = pointer(op, 0) + query * pointer(op, 1) + head;
    const dq = pointer(op, 13) + query * pointer(op, 1) + head;
    const dout = pointer(op, 4) + query * pointer(op, 5) + head;
    const index = weightIndex(op, panel, n, i, 0);
    const w = pointer(op, 11) + (<usize>index << 5) + (<usize>half << 2);
    let mean = splat(0);
    for (let j = 0; j <= i; j++) {
      const at = <usize>(j * P + panel) * pitch + values;
      const weight = v128.load(w + (<usize>j << 5));
      let keep = splat(1);
      if (arg(op, 19) != 0) keep = keep4((index + j) * 8 + half, key0, key1, threshold, keepScale);
      // The first query that sees key j: its gradient is not yet there.
      addHead(dkv + at, dout, f32x4.mul(weight, keep), bytes, i == max(first, j));
      const d = f32x4.mul(dotHead(dout, kv + at, bytes), keep);
      v128.store(dw + (<usize>j << 4), d);
      mean = fma(weight, d, mean);
    }
    for (let j = 0; j <= i; j++) {
      const at = <usize>(j * P + panel) * pitch;
      const d = f32x4.sub(v128.load(dw + (<usize>j << 4)), mean);
      const ds = f32x4.mul(f32x4.mul(v128.load(w + (<usize>j << 5)), d), scale);
      addHead(dq, kv + at, ds, bytes, j == 0);
      addHead(dkv + at, q, ds, bytes, i == max(first, j));
    }
  }
}
