// For small batches: the weight gradient and its AdamW update in one pass, so that gradients never go to memory. Clipping
// needs the global norm before the first update; it comes from products of batch rows with each other:
//   ‖dYᵀ·X‖² = Σ_{b,c} (dY_b·dY_c)·(X_b·X_c), and ‖db‖² = Σ_{b,c} dY_b·dY_c.
// B batch rows, at most a few dozen; P = ⌈B/8⌉ panels; R = 8·P rows of a product matrix ("gram").
import { fma, splat, sumLanes64 } from './math';
import { arg, nextUnit, pointer } from './sync';
import { microTile, TILE, TILE_BYTES, UNIT_OUTPUTS, weightColumn, wide, wideBlock, ZEROS } from './gemm';
import { adamwPair, adamwVector, clipFactor, globalNorm } from './adamw';
import { Hyper } from '../abi/hyper.ts';

/** out[i][0..8] = Σ_f a[f][i]·b[f][0..8] for four rows i of one panel and all eight of another. */
function gramTile(a: usize, b: usize, features: i32, out: usize, stride: usize): void {
  let l0 = splat(0);
  let l1 = l0;
  let l2 = l0;
  let l3 = l0;
  let r0 = l0;
  let r1 = l0;
  let r2 = l0;
  let r3 = l0;
  for (const end = b + (<usize>features << 5); b < end; b += 32) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(a);
    l0 = fma(s, p, l0);
    r0 = fma(s, q, r0);
    s = v128.load32_splat(a, 4);
    l1 = fma(s, p, l1);
    r1 = fma(s, q, r1);
    s = v128.load32_splat(a, 8);
    l2 = fma(s, p, l2);
    r2 = fma(s, q, r2);
    s = v128.load32_splat(a, 12);
    l3 = fma(s, p, l3);
    r3 = fma(s, q, r3);
    a += 32;
  }
  v128.store(out, l0);
  v128.store(out, r0, 16);
  v128.store(out + stride, l1);
  v128.store(out + stride, r1, 16);
  v128.store(out + 2 * stride, l2);
  v128.store(out + 2 * stride, r2, 16);
  v128.store(out + 3 * stride, l3);
  v128.store(out + 3 * stride, r3, 16);
}

/**
 * Products of all pairs of batch rows, G[b][c] for panel(b) ≤ panel(c), overwriting.
 * args: 0 panel, 1 pitch, 2 F, 3 P, 4 G [R][R]. Units: pairs of panels, i ≤ j.
 */
export function gram(op: usize): void {
  const panel = pointer(op, 0);
  const pitch = pointer(op, 1);
  const F = arg(op, 2);
  const P = arg(op, 3);
  const stride = <usize>P << 5;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let i = 0;
    let rest = unit;
    for (; rest >= P - i; i++) rest -= P - i;
    const j = i + rest;
    const a = panel + <usize>i * pitch;
    const b = panel + <usize>j * pitch;
    const out = pointer(op, 4) + <usize>(i * 8) * stride + (<usize>j << 5);
    gramTile(a, b, F, out, stride);
    gramTile(a + 16, b, F, out + 4 * stride, stride);
  }
}

/**
 * Squared norm of one weight gradient (and bias gradient) from products of batch rows.
 * args: 0 G of the inputs, 1 G of more inputs or 0, 2 G of the output gradient, 3 P, 4 with bias, 5 slot. One unit.
 */
export function gramNorm(op: usize): void {
  const x = pointer(op, 0);
  const more = pointer(op, 1);
  const y = pointer(op, 2);
  const P = arg(op, 3);
  const stride = <usize>P << 5;
  const one = splat(arg(op, 4) != 0 ? <f32>1 : <f32>0);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let sum: f64 = 0;
    for (let row = 0; row < P * 8; row++) {
      const first = <usize>(row >> 3) << 5;
      for (let at = first; at < stride; at += 16) {
        const offset = <usize>row * stride + at;
        let gx = f32x4.add(v128.load(x + offset), one);
        if (more != 0) gx = f32x4.add(gx, v128.load(more + offset));
        const part = sumLanes64(f32x4.mul(gx, v128.load(y + offset)));
        // Pairs of different panels stand for both orders.
        sum += at < first + 32 ? part : 2 * part;
      }
    }
    store<f64>(pointer(op, 5), sum);
  }
}

/**
 * AdamW of `rows` rows of eight: gradients at `g` (32 bytes a row), weights at `w` (48 bytes a row), the right four
 * `right` bytes from the left four or absent (0); moments `toM` and `toV` bytes from the weights.
 */
function adamwTile(g: usize, rows: i32, w: usize, right: usize, toM: usize, toV: usize, factor: f32, hyper: Hyper): void {
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
  const end = w + <usize>rows * 48;
  if (right == 16) {
    for (; w < end; w += 48) {
      adamwPair(g, w, w + toM, w + toV, beta1, beta2, keep1, keep2, decay, step, eps, grainM, grainV);
      g += 32;
    }
    return;
  }
  for (; w < end; w += 48) {
    adamwVector(g, w, w + toM, w + toV, beta1, beta2, keep1, keep2, decay, step, eps, grainM, grainV);
    if (right != 0) {
      const r = w + right;
      adamwVector(g + 16, r, r + toM, r + toV, beta1, beta2, keep1, keep2, decay, step, eps, grainM, grainV);
    }
    g += 32;
  }
}

/**
 * Weight gradient of one Linear, clipped and applied at once.
 * args: 0 X strip12, 1 X pitch, 2 X strips, 3 dY strip8, 4 dY pitch, 5 B, 6 w, 7 pitch of a block, 8 weight blocks,
 *       9 bias row, 10 with bias gradient, 11 strips a unit, 12 m − w, 13 v − w, 14 sum-of-squares slots, 15 slots,
 *       16 hyperparameters. Units: four blocks × strip groups. Scratch: two tiles of 12 × 8 gradients.
 */
export function gemmWeightAdamw(op: usize, scratch: usize): void {
  const xPitch = pointer(op, 1);
  const strips = arg(op, 2);
  const dyPitch = pointer(op, 4);
  const B = arg(op, 5);
  const pitch = pointer(op, 7);
  const blocks = arg(op, 8);
  const unitStrips = arg(op, 11);
  const toM = pointer(op, 12);
  const toV = pointer(op, 13);
  const hyper = changetype<Hyper>(pointer(op, 16));
  const stripGroups = (strips + unitStrips - 1) / unitStrips;
  const factor = clipFactor(globalNorm(pointer(op, 14), arg(op, 15)), hyper.clip);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = (unit / stripGroups) * UNIT_OUTPUTS;
    const strip0 = (unit % stripGroups) * unitStrips;
    const strip1 = min(strip0 + unitStrips, strips);
    const outputs = min(UNIT_OUTPUTS, blocks * 12 - first);
    for (let strip = strip0; strip < strip1; strip++) {
      const a = pointer(op, 0) + <usize>strip * xPitch;
      for (let n = 0; n < outputs; n += 8) {
        const column = first + n;
        const y = pointer(op, 3) + <usize>(column >> 3) * dyPitch;
        const left = weightColumn(pointer(op, 6), pitch, column) + <usize>(strip * 12) * 48;
        const right = rightOf(column, n, outputs, pitch);
        if (wide && n + 16 <= outputs) {
          const second = scratch + TILE_BYTES;
          wideBlock(a, y, y + dyPitch, B, scratch, second, false, ZEROS);
          adamwTile(scratch, 12, left, right, toM, toV, factor, hyper);
          const next = weightColumn(pointer(op, 6), pitch, column + 8) + <usize>(strip * 12) * 48;
          adamwTile(second, 12, next, rightOf(column + 8, n + 8, outputs, pitch), toM, toV, factor, hyper);
          n += 8;
          continue;
        }
        for (let t = 0; t < 12; t += TILE) {
          const g = scratch + <usize>t * 32;
          microTile(a + <usize>t * 4, y, B, g, g + 16, 32, 0, 0, false);
        }
        adamwTile(scratch, 12, left, right, toM, toV, factor, hyper);
      }
    }
    if (strip1 < strips) continue;
    for (let n = 0; n < outputs; n += 8) {
      const column = first + n;
      const w = weightColumn(pointer(op, 6), pitch, column) + <usize>arg(op, 9) * 48;
      biasRow(op, pointer(op, 3) + <usize>(column >> 3) * dyPitch, scratch);
      adamwTile(scratch, 1, w, rightOf(column, n, outputs, pitch), toM, toV, factor, hyper);
    }
  }
}

/** Bytes from four outputs to the next four, which may lie in the next block; 0 when there are none. */
function rightOf(column: i32, n: i32, outputs: i32, pitch: usize): usize {
  return n + 4 < outputs ? weightColumn(0, pitch, column + 4) - weightColumn(0, pitch, column) : 0;
}

/** Sum of eight columns of dY over the batch, or zero where the bias has no gradient. */
function biasRow(op: usize, y: usize, out: usize): void {
  let l = splat(0);
  let r = splat(0);
  if (arg(op, 10) != 0) {
    for (let b = 0; b < arg(op, 5); b++) {
      l = f32x4.add(l, v128.load(y));
      r = f32x4.add(r, v128.load(y, 16));
      y += 32;
    }
  }
  v128.store(out, l);
  v128.store(out, r, 16);
}
