// Work on whole sequences, which lie as T·P panels, step by step (P panels of eight batch rows a step): bringing the
// context in, sums of panels, bias rows where a product would multiply by zero.
import { fma, splat, sumLanes64 } from './math';
import { packStrip12, packStrip8, weightColumn } from './gemm';
import { dot, rowsToPanel, rowsToStrip12 } from './rows';
import { arg, nextUnit, pointer } from './sync';

/**
 * Context rows as panels and strip12, step by step, and the inverse norm of every context vector; rows beyond B become 0.
 * args: 0 X rows [B][T][L], 1 T, 2 L bytes, 3 B, 4 panel, 5 pitch, 6 strip12, 7 its pitch, 8 padded features,
 *       9 inverse norms [B][T], 10 P. Units: panels. Scratch: 8 rows.
 */
export function sequenceInput(op: usize, scratch: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  const P = arg(op, 10);
  const features = arg(op, 8);
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
      const row = pointer(op, 0) + <usize>(b * T + t) * L;
      memory.copy(to, row, L);
      const norm = max<f32>(sqrt<f32>(dot(row, row, L)), 1e-12);
      store<f32>(pointer(op, 9) + (<usize>(b * T + t) << 2), <f32>1 / norm);
    }
    rowsToPanel(scratch, L, features, pointer(op, 4) + <usize>unit * pointer(op, 5));
    rowsToStrip12(scratch, L, features, pointer(op, 6), pointer(op, 7), unit * 8);
  }
}

/**
 * out = sum of up to four panels (+ the position row of the step), optionally again as strip12 and strip8.
 * args: 0 out, 1 pitch of all, 2 F, 3 to 6 sources or 0 (the first is there; any may be `out`), 7 positions [T][F] or 0,
 *       8 bytes a position, 9 P, 10 strip12 or 0, 11 pitch, 12 strip8 or 0, 13 pitch. Units: panels.
 */
export function combine(op: usize): void {
  const F = arg(op, 2);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const base = <usize>unit * pointer(op, 1);
    const out = pointer(op, 0) + base;
    const a = pointer(op, 3) + base;
    const b = pointer(op, 4) != 0 ? pointer(op, 4) + base : 0;
    const c = pointer(op, 5) != 0 ? pointer(op, 5) + base : 0;
    const d = pointer(op, 6) != 0 ? pointer(op, 6) + base : 0;
    const table = pointer(op, 7);
    const position = table + <usize>(unit / arg(op, 9)) * pointer(op, 8);
    for (let f = 0; f < F; f++) {
      const shift = table != 0 ? v128.load32_splat(position + (<usize>f << 2)) : splat(0);
      for (let half: usize = 0; half < 32; half += 16) {
        const at = (<usize>f << 5) + half;
        let sum = v128.load(a + at);
        if (b != 0) sum = f32x4.add(sum, v128.load(b + at));
        if (c != 0) sum = f32x4.add(sum, v128.load(c + at));
        if (d != 0) sum = f32x4.add(sum, v128.load(d + at));
        v128.store(out + at, f32x4.add(sum, shift));
      }
    }
    if (pointer(op, 10) != 0) packStrip12(out, ((F + 11) / 12) * 12, pointer(op, 10), pointer(op, 11), unit * 8);
    if (pointer(op, 12) != 0) packStrip8(out, 0, (F + 7) & ~7, pointer(op, 12), pointer(op, 13), unit * 8);
  }
}

/**
 * Y[n][b] = bias[n]: a Linear of a zero input.
 * args: 0 bias row of the first weight block, 1 bytes a block, 2 N, 3 Y, 4 pitch. Units: panels.
 */
export function biasRows(op: usize): void {
  const N = arg(op, 2);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    let y = pointer(op, 3) + <usize>panel * pointer(op, 4);
    for (let n = 0; n < N; n++) {
      const bias = v128.load32_splat(weightColumn(pointer(op, 0), pointer(op, 1), n));
      v128.store(y, bias);
      v128.store(y, bias, 16);
      y += 32;
    }
  }
}

/**
 * dbias[n] = Σ dY[n] over all rows of a strip8, overwriting, with the sum of squares of each unit.
 * args: 0 strip8, 1 pitch, 2 rows, 3 bias row of the first gradient block, 4 bytes a block, 5 N, 6 sums of squares.
 * Units: 24 outputs.
 */
export function biasGradient(op: usize): void {
  const rows = arg(op, 2);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let squares = splat(0);
    const end = min(unit * 24 + 24, arg(op, 5));
    for (let n = unit * 24; n < end; n += 8) {
      let y = pointer(op, 0) + <usize>(n >> 3) * pointer(op, 1);
      let left = splat(0);
      let right = splat(0);
      for (let row = 0; row < rows; row++) {
        left = f32x4.add(left, v128.load(y));
        right = f32x4.add(right, v128.load(y, 16));
        y += 32;
      }
      v128.store(weightColumn(pointer(op, 3), pointer(op, 4), n), left);
      squares = fma(left, left, squares);
      if (n + 4 >= end) continue;
      v128.store(weightColumn(pointer(op, 3), pointer(op, 4), n + 4), right);
      squares = fma(right, right, squares);
    }
    store<f64>(pointer(op, 6) + (<usize>unit << 3), sumLanes64(squares));
  }
}
