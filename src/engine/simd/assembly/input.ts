// Bringing a batch in: gathering rows through the host, half precision to float32, means and norms.
// T context length; L row length of the row layout in floats.
import { fma, splat } from './math';
import { arg, nextUnit, pointer } from './sync';
import { dot, rowsToPanel, rowsToStrip12, scaled } from './rows';

/** Copies batch rows [from, to) of one input slot from the vector store (JavaScript on this very thread). */
// @ts-ignore: decorator
@external('env', 'gather')
declare function hostGather(slot: i32, from: i32, to: i32): void;

/** args: 0 slot, 1 B. Units: eight rows. */
export function gather(op: usize): void {
  const B = arg(op, 1);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    hostGather(arg(op, 0), unit * 8, min(unit * 8 + 8, B));
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

/**
 * Mean of the context (rows, panel, strip12) and inverse norms of every context vector; pad rows become zero.
 * args: 0 X rows [B][T][L], 1 T, 2 L bytes, 3 B, 4 base rows [B][L], 5 base panel, 6 panel pitch, 7 strip12, 8 strip12
 *       pitch, 9 padded features (multiple of 12), 10 inverse norms [B][T]. Units: panels.
 */
export function prepare(op: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  const inverseT = splat(<f32>1 / <f32>T);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const rows = pointer(op, 4) + <usize>(panel * 8) * L;
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const base = rows + <usize>i * L;
      if (b >= B) {
        memory.fill(base, 0, L);
        continue;
      }
      const x = pointer(op, 0) + <usize>(b * T) * L;
      for (let at: usize = 0; at < L; at += 16) {
        let sum = v128.load(x + at);
        for (let t = 1; t < T; t++) sum = f32x4.add(sum, v128.load(x + at + <usize>t * L));
        v128.store(base + at, f32x4.mul(sum, inverseT));
      }
      for (let t = 0; t < T; t++) {
        const row = x + <usize>t * L;
        const norm = max<f32>(sqrt<f32>(dot(row, row, L)), 1e-12);
        store<f32>(pointer(op, 10) + (<usize>(b * T + t) << 2), <f32>1 / norm);
      }
    }
    rowsToPanel(rows, L, arg(op, 9), pointer(op, 5) + <usize>panel * pointer(op, 6));
    if (pointer(op, 7) != 0) rowsToStrip12(rows, L, arg(op, 9), pointer(op, 7), pointer(op, 8), panel * 8);
  }
}

/**
 * Unit targets as rows and as weight blocks [B/12][K'+1][12], the "weights" of the InfoNCE products; pad rows become zero.
 * args: 0 targets [B][L], 1 L bytes, 2 B, 3 unit targets [B][L], 4 blocks, 5 block pitch, 6 features (multiple of 4).
 * Units: blocks of 12 rows.
 */
export function packTargets(op: usize): void {
  const L = pointer(op, 1);
  const B = arg(op, 2);
  const features = arg(op, 6);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const rows = pointer(op, 3) + <usize>(unit * 12) * L;
    for (let i = 0; i < 12; i++) {
      const b = unit * 12 + i;
      const to = rows + <usize>i * L;
      if (b >= B) {
        memory.fill(to, 0, L);
        continue;
      }
      const from = pointer(op, 0) + <usize>b * L;
      scaled(to, from, <f32>1 / max<f32>(sqrt<f32>(dot(from, from, L)), 1e-12), L);
    }
    const block = pointer(op, 4) + <usize>unit * pointer(op, 5);
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

/** y = a·x + y over floats is in rows.ts; this one keeps `fma` reachable for the tests of both builds. */
export function fmaProbe(a: f32, b: f32, c: f32): f32 {
  return f32x4.extract_lane(fma(splat(a), splat(b), splat(c)), 0);
}
