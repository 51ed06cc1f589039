// Causal multi-head attention over T positions of a sequence, eight batch rows in the lanes, so that a product of query
// and key needs no horizontal sum. S features a head; head n lies in features [n·S, (n+1)·S). Queries may be all T
// positions or only the last ones, from `first` on; keys are features [0, H) and values [H, 2H) of one panel.
import { exp4, fma, splat } from '../math';
import { keep4, siteKey0, siteKey1 } from './dropout';
import { packStrip12, packStrip8 } from '../products/pack';
import { args, nextUnit } from '../sync';
import { AttentionBackward, AttentionForward } from '../../abi/attention.ts';

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

/** Number of the eight weights of query i, key 0 and head n of a panel; those of the next key lie 32 bytes on. */
// @ts-ignore: decorator
@inline
function weightIndex(heads: i32, T: i32, panel: i32, n: i32, i: i32): i32 {
  return ((panel * heads + n) * T + i) * T;
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

export function attention(op: usize): void {
  const a = args<AttentionForward>(op);
  const S = a.S;
  const heads = a.heads;
  const first = a.first;
  const P = a.P;
  const bytes = <usize>S << 5;
  const key0 = siteKey0(a.hyper, a.site);
  const key1 = siteKey1(a.hyper, a.site);
  const threshold = i32x4.splat(a.threshold);
  const keepScale = splat(a.keepScale);
  const scale = splat(a.scale);
  const values = <usize>(heads * S) << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    for (let i = first; i < a.T; i++) {
      const step = (i - first) * P + panel;
      const q = a.q + <usize>step * a.qPitch;
      const out = a.out + <usize>step * a.outPitch;
      for (let n = 0; n < heads; n++) {
        const index = weightIndex(heads, a.T, panel, n, i);
        for (let half = 0; half < 8; half += 4) {
          const head = <usize>n * bytes + (<usize>half << 2);
          const w = a.weights + (<usize>index << 5) + (<usize>half << 2);
          for (let j = 0; j <= i; j++) {
            const k = a.kv + <usize>(j * P + panel) * a.kvPitch;
            v128.store(w + (<usize>j << 5), f32x4.mul(dotHead(q + head, k + head, bytes), scale));
          }
          softmaxKeys(w, i);
          for (let j = 0; j <= i; j++) {
            const v = a.kv + <usize>(j * P + panel) * a.kvPitch + values;
            let share = v128.load(w + (<usize>j << 5));
            if (a.threshold != 0) {
              share = f32x4.mul(share, keep4((index + j) * 8 + half, key0, key1, threshold, keepScale));
            }
            addHead(out + head, v + head, share, bytes, j == 0);
          }
        }
      }
      packStrip12(out, ((heads * S + 11) / 12) * 12, a.strip, a.stripPitch, step * 8);
    }
  }
}

export function attentionBackward(op: usize, scratch: usize): void {
  const a = args<AttentionBackward>(op);
  const H = a.heads * a.S;
  const T = a.T;
  const P = a.P;
  const first = a.first;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    for (let n = 0; n < a.heads; n++) {
      headBackward(a, panel, n, 0, scratch);
      headBackward(a, panel, n, 4, scratch);
    }
    for (let t = 0; t < T; t++) {
      const step = t * P + panel;
      const dkv = a.dkv + <usize>step * a.kvPitch;
      packStrip8(dkv, 0, (2 * H + 7) & ~7, a.dkvStrip, a.dkvStripPitch, step * 8);
      if (t < first) continue;
      const query = (t - first) * P + panel;
      const dq = a.dq + <usize>query * a.qPitch;
      packStrip8(dq, 0, (H + 7) & ~7, a.dqStrip, a.dqStripPitch, query * 8);
    }
  }
}

/** One head of four rows from row `half` of a panel; see `attentionBackward` for the arguments. */
function headBackward(a: AttentionBackward, panel: i32, n: i32, half: i32, dw: usize): void {
  const T = a.T;
  const P = a.P;
  const first = a.first;
  const bytes = <usize>a.S << 5;
  const values = <usize>a.heads * bytes;
  const head = <usize>n * bytes + (<usize>half << 2);
  const pitch = a.kvPitch;
  const kv = a.kv + head;
  const dkv = a.dkv + head;
  const scale = splat(a.scale);
  const key0 = siteKey0(a.hyper, a.site);
  const key1 = siteKey1(a.hyper, a.site);
  const threshold = i32x4.splat(a.threshold);
  const keepScale = splat(a.keepScale);
  for (let i = first; i < T; i++) {
    const query = <usize>((i - first) * P + panel);
    const q = a.q + query * a.qPitch + head;
    const dq = a.dq + query * a.qPitch + head;
    const dout = a.dout + query * a.doutPitch + head;
    const index = weightIndex(a.heads, T, panel, n, i);
    const w = a.weights + (<usize>index << 5) + (<usize>half << 2);
    let mean = splat(0);
    for (let j = 0; j <= i; j++) {
      const at = <usize>(j * P + panel) * pitch + values;
      const weight = v128.load(w + (<usize>j << 5));
      let keep = splat(1);
      if (a.threshold != 0) keep = keep4((index + j) * 8 + half, key0, key1, threshold, keepScale);
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
