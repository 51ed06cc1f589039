// Work on whole sequences, which lie as T·P panels, step by step (P panels of eight batch rows a step): bringing the
// context in, sums of panels, bias rows where a product would multiply by zero.
import { fma, splat, sumLanes64 } from '../math';
import { packStrip12, packStrip8 } from '../products/pack';
import { weightColumn } from '../products/gemm';
import { dot, rowsToPanel, rowsToStrip12 } from '../rows';
import { args, nextUnit } from '../sync';
import { SequenceInput } from '../../abi/input.ts';
import { BiasGradient, BiasRows } from '../../abi/linear.ts';
import { Combine } from '../../abi/sequence.ts';

export function sequenceInput(op: usize, scratch: usize): void {
  const a = args<SequenceInput>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  const P = a.P;
  const features = a.features;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const t = unit / P;
    const first = (unit % P) * 8;
    for (let i = 0; i < 8; i++) {
      const to = scratch + <usize>i * L;
      const b = first + i;
      if (b >= B) {
        memory.fill(to, 0, L);
        continue;
      }
      const row = a.contexts + <usize>(b * T + t) * L;
      memory.copy(to, row, L);
      const norm = max<f32>(sqrt<f32>(dot(row, row, L)), 1e-12);
      store<f32>(a.inverseContextNorms + (<usize>(b * T + t) << 2), <f32>1 / norm);
    }
    rowsToPanel(scratch, L, features, a.panel + <usize>unit * a.pitch);
    rowsToStrip12(scratch, L, features, a.strip, a.stripPitch, unit * 8);
  }
}

export function combine(op: usize): void {
  const a = args<Combine>(op);
  const F = a.F;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const base = <usize>unit * a.pitch;
    const out = a.out + base;
    const first = a.source0 + base;
    const b = a.source1 != 0 ? a.source1 + base : 0;
    const c = a.source2 != 0 ? a.source2 + base : 0;
    const d = a.source3 != 0 ? a.source3 + base : 0;
    const table = a.positions;
    const position = table + <usize>(unit / a.P) * a.positionBytes;
    for (let f = 0; f < F; f++) {
      const shift = table != 0 ? v128.load32_splat(position + (<usize>f << 2)) : splat(0);
      for (let half: usize = 0; half < 32; half += 16) {
        const at = (<usize>f << 5) + half;
        let sum = v128.load(first + at);
        if (b != 0) sum = f32x4.add(sum, v128.load(b + at));
        if (c != 0) sum = f32x4.add(sum, v128.load(c + at));
        if (d != 0) sum = f32x4.add(sum, v128.load(d + at));
        v128.store(out + at, f32x4.add(sum, shift));
      }
    }
    if (a.strip12 != 0) packStrip12(out, ((F + 11) / 12) * 12, a.strip12, a.strip12Pitch, unit * 8);
    if (a.strip8 != 0) packStrip8(out, 0, (F + 7) & ~7, a.strip8, a.strip8Pitch, unit * 8);
  }
}

export function biasRows(op: usize): void {
  const a = args<BiasRows>(op);
  const N = a.N;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    let y = a.y + <usize>panel * a.yPitch;
    for (let n = 0; n < N; n++) {
      const bias = v128.load32_splat(weightColumn(a.bias, a.blockPitch, n));
      v128.store(y, bias);
      v128.store(y, bias, 16);
      y += 32;
    }
  }
}

export function biasGradient(op: usize): void {
  const a = args<BiasGradient>(op);
  const rows = a.rows;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares = splat(0);
    const end = min(unit * 24 + 24, a.N);
    for (let n = unit * 24; n < end; n += 8) {
      let y = a.dy + <usize>(n >> 3) * a.dyPitch;
      let left = splat(0);
      let right = splat(0);
      for (let row = 0; row < rows; row++) {
        left = f32x4.add(left, v128.load(y));
        right = f32x4.add(right, v128.load(y, 16));
        y += 32;
      }
      v128.store(weightColumn(a.dbias, a.blockPitch, n), left);
      squares = fma(left, left, squares);
      if (n + 4 >= end) continue;
      v128.store(weightColumn(a.dbias, a.blockPitch, n + 4), right);
      squares = fma(right, right, squares);
    }
    store<f64>(a.slots + (<usize>unit << 3), sumLanes64(squares));
  }
}
