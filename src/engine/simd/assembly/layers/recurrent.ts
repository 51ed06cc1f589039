// Pointwise parts of one time step of LSTM and GRU, forward and backward, PyTorch's formulas. H hidden features. The
// products of a step are in gemm.ts. All operands are panels [P][F][8] and strips that begin at the step; units are
// panels. Pad rows of the batch have zero gradients coming in and therefore going out.
import { splat } from '../math';
import { complement4, sigmoid4, sigmoidSlope4, tanh4, tanhSlope4 } from './gates';
import { packStrip12, packStrip8 } from '../products/pack';
import { args, nextUnit } from '../sync';
import { GruCellBackward, GruCellForward, LstmCellBackward, LstmCellForward } from '../../abi/recurrent.ts';

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

export function lstmCell(op: usize): void {
  const a = args<LstmCellForward>(op);
  const H = a.H;
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * a.statePitch;
    const before = a.cBefore != 0 ? a.cBefore + state : 0;
    const c = a.c + state;
    const h = a.h + state;
    let x = a.gates + <usize>panel * a.gatesPitch;
    let y = a.ofHidden + <usize>panel * a.ofHiddenPitch;
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
    packStrip12(h, up(H, 12), a.strip, a.stripPitch, panel * 8);
  }
}

export function lstmCellBackward(op: usize): void {
  const a = args<LstmCellBackward>(op);
  const H = a.H;
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * a.statePitch;
    const before = a.cBefore != 0 ? a.cBefore + state : 0;
    const c = a.c + state;
    const above = a.dhAbove != 0 ? a.dhAbove + state : 0;
    const after = a.dhAfter != 0 ? a.dhAfter + state : 0;
    const dc = a.dc + state;
    const carried: usize = a.isLastStep != 0 ? <usize>0 : dc;
    const out = a.dgates + <usize>panel * a.gatesPitch;
    let x = a.gates + <usize>panel * a.gatesPitch;
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
    packStrip8(out, 0, up(4 * H, 8), a.strip, a.stripPitch, panel * 8);
  }
}

export function gruCell(op: usize): void {
  const a = args<GruCellForward>(op);
  const H = a.H;
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * a.statePitch;
    const before = a.hBefore != 0 ? a.hBefore + state : 0;
    const h = a.h + state;
    let x = a.gates + <usize>panel * a.gatesPitch;
    let y = a.ofHidden + <usize>panel * a.gatesPitch;
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
    packStrip12(h, up(H, 12), a.strip, a.stripPitch, panel * 8);
  }
}

export function gruCellBackward(op: usize): void {
  const a = args<GruCellBackward>(op);
  const H = a.H;
  const gate = <usize>H << 5;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const state = <usize>panel * a.statePitch;
    const before = a.hBefore != 0 ? a.hBefore + state : 0;
    const above = a.dhAbove != 0 ? a.dhAbove + state : 0;
    const after = a.dhAfter != 0 ? a.dhAfter + state : 0;
    const carry = a.dhCarried + state;
    const carried: usize = a.isLastStep != 0 ? <usize>0 : carry;
    const gates = <usize>panel * a.gatesPitch;
    let x = a.gates + gates;
    let y = a.ofHidden + gates;
    let dx = a.dgates + gates;
    let dy = a.dofHidden + gates;
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
    packStrip8(a.dgates + gates, 0, up(3 * H, 8), a.dgatesStrip, a.stripPitch, panel * 8);
    packStrip8(a.dofHidden + gates, 0, up(3 * H, 8), a.dofHiddenStrip, a.stripPitch, panel * 8);
  }
}
