// Bringing a batch in: gathering rows through the host, half precision to float32, means and norms.
// T context length; L row length of the row layout in floats.
import { splat } from './math';
import { args, nextUnit } from './sync';
import { addScaled, clear, dot, rowsToPanel, rowsToStrip12, scaled } from './rows';
import { Gather, PackTargets, Prepare, ShiftInput } from '../abi/input.ts';

/** Copies batch rows [from, to) of one input slot from the vector store (JavaScript on this very thread). */
// @ts-ignore: decorator
@external('env', 'gather')
declare function hostGather(slot: i32, from: i32, to: i32): void;

export function gather(op: usize): void {
  const a = args<Gather>(op);
  const B = a.B;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    hostGather(a.slot, unit * 8, min(unit * 8 + 8, B));
  }
}

/** Converts `count` half floats (any count) to float32. Infinities and NaN stay what they are. */
export function halfToFloat(from: usize, to: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const half = v128.load16x4_u(from + (<usize>i << 1));
    const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
    const magnitude = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13);
    let value = f32x4.mul(magnitude, splat(reinterpret<f32>(0x77800000)));
    const special = i32x4.ge_s(magnitude, i32x4.splat(0x0f800000));
    value = v128.or(value, v128.and(special, i32x4.splat(0x7f800000)));
    v128.store(to + (<usize>i << 2), v128.or(value, sign));
  }
  for (; i < count; i++) {
    const half = <u32>load<u16>(from + (<usize>i << 1));
    const magnitude = (half & 0x7fff) << 13;
    let bits = reinterpret<u32>(reinterpret<f32>(magnitude) * reinterpret<f32>(0x77800000));
    if (magnitude >= 0x0f800000) bits |= 0x7f800000;
    store<u32>(to + (<usize>i << 2), bits | ((half & 0x8000) << 16));
  }
}

export function prepare(op: usize): void {
  const a = args<Prepare>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  const inverseT = splat(<f32>1 / <f32>T);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const rows = a.base + <usize>(panel * 8) * L;
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const base = rows + <usize>i * L;
      if (b >= B) {
        memory.fill(base, 0, L);
        continue;
      }
      const x = a.contexts + <usize>(b * T) * L;
      for (let at: usize = 0; at < L; at += 16) {
        let sum = v128.load(x + at);
        for (let t = 1; t < T; t++) sum = f32x4.add(sum, v128.load(x + at + <usize>t * L));
        v128.store(base + at, f32x4.mul(sum, inverseT));
      }
      for (let t = 0; t < T; t++) {
        const row = x + <usize>t * L;
        const norm = max<f32>(sqrt<f32>(dot(row, row, L)), 1e-12);
        store<f32>(a.inverseContextNorms + (<usize>(b * T + t) << 2), <f32>1 / norm);
      }
    }
    rowsToPanel(rows, L, a.features, a.basePanel + <usize>panel * a.basePanelPitch);
    if (a.baseStrip != 0) rowsToStrip12(rows, L, a.features, a.baseStrip, a.baseStripPitch, panel * 8);
  }
}

export function shiftInput(op: usize): void {
  const a = args<ShiftInput>(op);
  const T = a.T;
  const L = a.rowBytes;
  for (let b = nextUnit(op); b >= 0; b = nextUnit(op)) {
    const rows = <usize>(b * T) * L;
    const shift = a.shift + <usize>b * L;
    if (a.mean != 0) memory.copy(shift, a.mean, L);
    else {
      clear(shift, L);
      for (let t = 0; t < T; t++) addScaled(shift, a.contexts + rows + <usize>t * L, 1, L);
      scaled(shift, shift, <f32>1 / <f32>T, L);
    }
    for (let t = 0; t < T; t++) {
      const row = a.contexts + rows + <usize>t * L;
      const to = a.shifted + rows + <usize>t * L;
      memory.copy(to, row, L);
      addScaled(to, shift, -1, L);
      const norm = max<f32>(sqrt<f32>(dot(row, row, L)), 1e-12);
      store<f32>(a.inverseContextNorms + (<usize>(b * T + t) << 2), <f32>1 / norm);
    }
  }
}

export function packTargets(op: usize): void {
  const a = args<PackTargets>(op);
  const L = a.rowBytes;
  const B = a.B;
  const features = a.features;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const rows = a.unitTargets + <usize>(unit * 12) * L;
    for (let i = 0; i < 12; i++) {
      const b = unit * 12 + i;
      const to = rows + <usize>i * L;
      if (b >= B) {
        memory.fill(to, 0, L);
        continue;
      }
      const from = a.targets + <usize>b * L;
      scaled(to, from, <f32>1 / max<f32>(sqrt<f32>(dot(from, from, L)), 1e-12), L);
    }
    const block = a.blocks + <usize>unit * a.blockPitch;
    for (let f = 0; f < features; f += 4) packBlock(rows + (<usize>f << 2), L, block + <usize>f * 48);
  }
}

/** Twelve rows × four features into four rows of a weight block. */
function packBlock(rows: usize, L: usize, block: usize): void {
  for (let part: usize = 0; part < 3; part++) {
    const from = rows + part * 4 * L;
    const a = v128.load(from);
    const b = v128.load(from + L);
    const c = v128.load(from + 2 * L);
    const d = v128.load(from + 3 * L);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    const to = block + part * 16;
    v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), 0);
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 48);
    v128.store(to, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5), 96);
    v128.store(to, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7), 144);
  }
}
