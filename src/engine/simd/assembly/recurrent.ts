// Pointwise parts of one time step of LSTM and GRU, forward and backward, PyTorch's formulas. H hidden features. The
// products of a step are in gemm.ts. All operands are panels [P][F][8] and strips that begin at the step; units are
// panels. Pad rows of the batch have zero gradients coming in and therefore going out.
import { splat } from './math';
import { complement4, sigmoid4, sigmoidSlope4, tanh4, tanhSlope4 } from './gates';
import { packStrip12, packStrip8 } from './gemm';
import { arg, nextUnit, pointer } from './sync';

/** Features rounded up to the width of a strip. */
// @ts-ignore: decorator
@inline
function up(features: i32, width: i32): i32 {
  return ((features + width - 1) / width) * width;
}

/** The vector at `at`, or zero where the operand is absent. */
// @ts-ignore: decorator
@inline
function loadOr0(base: usize, at: usize): v128 {
  return base != 0 ? v128.load(base + at) : splat(0);
}

/**
 * c = σ(f)·c₋ + σ(i)·tanh(g), h = σ(o)·tanh(c) with gates i, f, g, o = gates of input + gates of hidden; the activated
 * gates overwrite the gates of the input.
 * args: 0 gates of input [P][4H][8], 1 pitch, 2 gates of hidden, 3 pitch, 4 H, 5 c₋ or 0, 6 c, 7 h, 8 pitch of c₋, c, h,
 *       9 h as strip12, 10 its pitch.
 */
export function lstmCell(op: usize): void {
  const H = arg(op, 4);
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * pointer(op, 8);
    const before = pointer(op, 5) != 0 ? pointer(op, 5) + state : 0;
    const c = pointer(op, 6) + state;
    const h = pointer(op, 7) + state;
    let x = pointer(op, 0) + <usize>panel * pointer(op, 1);
    let y = pointer(op, 2) + <usize>panel * pointer(op, 3);
    for (let at: usize = 0; at < gate; at += 16) {
      const i = sigmoid4(f32x4.add(v128.load(x), v128.load(y)));
      const f = sigmoid4(f32x4.add(v128.load(x + gate), v128.load(y + gate)));
      const g = tanh4(f32x4.add(v128.load(x + 2 * gate), v128.load(y + 2 * gate)));
      const o = sigmoid4(f32x4.add(v128.load(x + 3 * gate), v128.load(y + 3 * gate)));
      v128.store(x, i);
      v128.store(x + gate, f);
      v128.store(x + 2 * gate, g);
      v128.store(x + 3 * gate, o);
      const next = f32x4.add(f32x4.mul(f, loadOr0(before, at)), f32x4.mul(i, g));
      v128.store(c + at, next);
      v128.store(h + at, f32x4.mul(o, tanh4(next)));
      x += 16;
      y += 16;
    }
    packStrip12(h, up(H, 12), pointer(op, 9), pointer(op, 10), panel * 8);
  }
}

/**
 * Gradients of the four gates (before activation) as panel and strip8, and of c₋, from those of h and c.
 * args: 0 activated gates [P][4H][8], 1 pitch, 2 H, 3 c₋ or 0, 4 c, 5 dh from above or 0, 6 dh from the next step or 0,
 *       7 dc (read unless this is the last step, then overwritten), 8 is last step, 9 pitch of 3 to 7, 10 dgates,
 *       11 strip8, 12 its pitch.
 */
export function lstmCellBackward(op: usize): void {
  const H = arg(op, 2);
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * pointer(op, 9);
    const before = pointer(op, 3) != 0 ? pointer(op, 3) + state : 0;
    const c = pointer(op, 4) + state;
    const above = pointer(op, 5) != 0 ? pointer(op, 5) + state : 0;
    const after = pointer(op, 6) != 0 ? pointer(op, 6) + state : 0;
    const dc = pointer(op, 7) + state;
    const carried: usize = arg(op, 8) != 0 ? <usize>0 : dc;
    const out = pointer(op, 10) + <usize>panel * pointer(op, 1);
    let x = pointer(op, 0) + <usize>panel * pointer(op, 1);
    let y = out;
    for (let at: usize = 0; at < gate; at += 16) {
      const i = v128.load(x);
      const f = v128.load(x + gate);
      const g = v128.load(x + 2 * gate);
      const o = v128.load(x + 3 * gate);
      const squashed = tanh4(v128.load(c + at));
      const dh = f32x4.add(loadOr0(above, at), loadOr0(after, at));
      const d = f32x4.add(f32x4.mul(f32x4.mul(dh, o), tanhSlope4(squashed)), loadOr0(carried, at));
      v128.store(y, f32x4.mul(f32x4.mul(d, g), sigmoidSlope4(i)));
      v128.store(y + gate, f32x4.mul(f32x4.mul(d, loadOr0(before, at)), sigmoidSlope4(f)));
      v128.store(y + 2 * gate, f32x4.mul(f32x4.mul(d, i), tanhSlope4(g)));
      v128.store(y + 3 * gate, f32x4.mul(f32x4.mul(dh, squashed), sigmoidSlope4(o)));
      v128.store(dc + at, f32x4.mul(d, f));
      x += 16;
      y += 16;
    }
    packStrip8(out, 0, up(4 * H, 8), pointer(op, 11), pointer(op, 12), panel * 8);
  }
}

/**
 * r = σ(r), z = σ(z), n = tanh(n_x + r·n_h), h = n + z·(h₋ − n); r, z, n overwrite the gates of the input.
 * args: 0 gates of input [P][3H][8], 1 gates of hidden, 2 pitch of both, 3 H, 4 h₋ or 0, 5 h, 6 pitch of both,
 *       7 h as strip12, 8 its pitch.
 */
export function gruCell(op: usize): void {
  const H = arg(op, 3);
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * pointer(op, 6);
    const before = pointer(op, 4) != 0 ? pointer(op, 4) + state : 0;
    const h = pointer(op, 5) + state;
    let x = pointer(op, 0) + <usize>panel * pointer(op, 2);
    let y = pointer(op, 1) + <usize>panel * pointer(op, 2);
    for (let at: usize = 0; at < gate; at += 16) {
      const r = sigmoid4(f32x4.add(v128.load(x), v128.load(y)));
      const z = sigmoid4(f32x4.add(v128.load(x + gate), v128.load(y + gate)));
      const n = tanh4(f32x4.add(v128.load(x + 2 * gate), f32x4.mul(r, v128.load(y + 2 * gate))));
      v128.store(x, r);
      v128.store(x + gate, z);
      v128.store(x + 2 * gate, n);
      v128.store(h + at, f32x4.add(n, f32x4.mul(z, f32x4.sub(loadOr0(before, at), n))));
      x += 16;
      y += 16;
    }
    packStrip12(h, up(H, 12), pointer(op, 7), pointer(op, 8), panel * 8);
  }
}

/**
 * Gradients of the gates of the input and of the hidden state, each as panel and strip8, and the direct part of dh₋.
 * args: 0 activated r, z, n [P][3H][8], 1 gates of hidden, 2 pitch of both, 3 H, 4 h₋ or 0, 5 dh from above or 0,
 *       6 dh from the next step through its gates or 0, 7 dh carried (read unless this is the last step, then
 *       overwritten), 8 is last step, 9 pitch of 4 to 7, 10 dgates of input, 11 dgates of hidden, 12 strip8 of 10,
 *       13 strip8 of 11, 14 pitch of both.
 */
export function gruCellBackward(op: usize): void {
  const H = arg(op, 3);
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * pointer(op, 9);
    const before = pointer(op, 4) != 0 ? pointer(op, 4) + state : 0;
    const above = pointer(op, 5) != 0 ? pointer(op, 5) + state : 0;
    const after = pointer(op, 6) != 0 ? pointer(op, 6) + state : 0;
    const carry = pointer(op, 7) + state;
    const carried: usize = arg(op, 8) != 0 ? <usize>0 : carry;
    const gates = <usize>panel * pointer(op, 2);
    let x = pointer(op, 0) + gates;
    let y = pointer(op, 1) + gates;
    let dx = pointer(op, 10) + gates;
    let dy = pointer(op, 11) + gates;
    for (let at: usize = 0; at < gate; at += 16) {
      const r = v128.load(x);
      const z = v128.load(x + gate);
      const n = v128.load(x + 2 * gate);
      const dh = f32x4.add(f32x4.add(loadOr0(above, at), loadOr0(after, at)), loadOr0(carried, at));
      const dn = f32x4.mul(f32x4.mul(dh, complement4(z)), tanhSlope4(n));
      const dr = f32x4.mul(f32x4.mul(dn, v128.load(y + 2 * gate)), sigmoidSlope4(r));
      const dz = f32x4.mul(f32x4.mul(dh, f32x4.sub(loadOr0(before, at), n)), sigmoidSlope4(z));
      v128.store(dx, dr);
      v128.store(dx + gate, dz);
      v128.store(dx + 2 * gate, dn);
      v128.store(dy, dr);
      v128.store(dy + gate, dz);
      v128.store(dy + 2 * gate, f32x4.mul(dn, r));
      v128.store(carry + at, f32x4.mul(dh, z));
      x += 16;
      y += 16;
      dx += 16;
      dy += 16;
    }
    packStrip8(pointer(op, 10) + gates, 0, up(3 * H, 8), pointer(op, 12), pointer(op, 14), panel * 8);
    packStrip8(pointer(op, 11) + gates, 0, up(3 * H, 8), pointer(op, 13), pointer(op, 14), panel * 8);
  }
}
