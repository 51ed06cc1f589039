// For small batches: the weight gradient and its AdamW update in one pass, so that gradients never go to memory. Clipping
// needs the global norm before the first update; it comes from products of batch rows with each other:
//   ‖dYᵀ·X‖² = Σ_{b,c} (dY_b·dY_c)·(X_b·X_c), and ‖db‖² = Σ_{b,c} dY_b·dY_c.
// B batch rows, at most a few dozen; P = ⌈B/8⌉ panels; R = 8·P rows of a product matrix ("gram").
import { fma, splat, sumLanes64 } from './math';
import { args, nextUnit } from './sync';
import { microTile, TILE, TILE_BYTES, wide, ZEROS } from './products/tile';
import { UNIT_OUTPUTS, weightColumn } from './products/gemm';
import { wideBlock } from './products/wide-tile';
import { adamwPair, adamwVector, clipFactor, globalNorm } from './adamw';
import { Hyper } from '../abi/hyper.ts';
import { GemmWeightAdamw, Gram, GramNorm } from '../abi/optimizer.ts';

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

export function gram(op: usize): void {
  const a = args<Gram>(op);
  const panel = a.panel;
  const pitch = a.pitch;
  const F = a.F;
  const P = a.P;
  const stride = <usize>P << 5;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let i = 0;
    let rest = unit;
    for (; rest >= P - i; i++) rest -= P - i;
    const j = i + rest;
    const rows = panel + <usize>i * pitch;
    const b = panel + <usize>j * pitch;
    const out = a.gram + <usize>(i * 8) * stride + (<usize>j << 5);
    gramTile(rows, b, F, out, stride);
    gramTile(rows + 16, b, F, out + 4 * stride, stride);
  }
}

export function gramNorm(op: usize): void {
  const a = args<GramNorm>(op);
  const x = a.inputs;
  const more = a.moreInputs;
  const y = a.gradient;
  const P = a.P;
  const stride = <usize>P << 5;
  const one = splat(a.withBias != 0 ? <f32>1 : <f32>0);
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
    store<f64>(a.slot, sum);
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

export function gemmWeightAdamw(op: usize, scratch: usize): void {
  const a = args<GemmWeightAdamw>(op);
  const xPitch = a.xPitch;
  const strips = a.strips;
  const dyPitch = a.dyPitch;
  const B = a.B;
  const pitch = a.wPitch;
  const blocks = a.blocks;
  const unitStrips = a.unitStrips;
  const toM = a.toM;
  const toV = a.toV;
  const hyper = changetype<Hyper>(a.hyper);
  const stripGroups = (strips + unitStrips - 1) / unitStrips;
  const factor = clipFactor(globalNorm(a.slots, a.slotCount), hyper.clip);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = (unit / stripGroups) * UNIT_OUTPUTS;
    const strip0 = (unit % stripGroups) * unitStrips;
    const strip1 = min(strip0 + unitStrips, strips);
    const outputs = min(UNIT_OUTPUTS, blocks * 12 - first);
    for (let strip = strip0; strip < strip1; strip++) {
      const x = a.x + <usize>strip * xPitch;
      for (let n = 0; n < outputs; n += 8) {
        const column = first + n;
        const y = a.dy + <usize>(column >> 3) * dyPitch;
        const left = weightColumn(a.w, pitch, column) + <usize>(strip * 12) * 48;
        const right = rightOf(column, n, outputs, pitch);
        if (wide && n + 16 <= outputs) {
          const second = scratch + TILE_BYTES;
          wideBlock(x, y, y + dyPitch, B, scratch, second, false, ZEROS);
          adamwTile(scratch, 12, left, right, toM, toV, factor, hyper);
          const next = weightColumn(a.w, pitch, column + 8) + <usize>(strip * 12) * 48;
          adamwTile(second, 12, next, rightOf(column + 8, n + 8, outputs, pitch), toM, toV, factor, hyper);
          n += 8;
          continue;
        }
        for (let t = 0; t < 12; t += TILE) {
          const g = scratch + <usize>t * 32;
          microTile(x + <usize>t * 4, y, B, g, g + 16, 32, 0, 0, false);
        }
        adamwTile(scratch, 12, left, right, toM, toV, factor, hyper);
      }
    }
    if (strip1 < strips) continue;
    for (let n = 0; n < outputs; n += 8) {
      const column = first + n;
      const w = weightColumn(a.w, pitch, column) + <usize>a.biasRow * 48;
      biasRow(a, a.dy + <usize>(column >> 3) * dyPitch, scratch);
      adamwTile(scratch, 1, w, rightOf(column, n, outputs, pitch), toM, toV, factor, hyper);
    }
  }
}

/** Bytes from four outputs to the next four, which may lie in the next block; 0 when there are none. */
function rightOf(column: i32, n: i32, outputs: i32, pitch: usize): usize {
  return n + 4 < outputs ? weightColumn(0, pitch, column + 4) - weightColumn(0, pitch, column) : 0;
}

/** Sum of eight columns of dY over the batch, or zero where the bias has no gradient. */
function biasRow(a: GemmWeightAdamw, y: usize, out: usize): void {
  let l = splat(0);
  let r = splat(0);
  if (a.withBias != 0) {
    for (let b = 0; b < a.B; b++) {
      l = f32x4.add(l, v128.load(y));
      r = f32x4.add(r, v128.load(y, 16));
      y += 32;
    }
  }
  v128.store(out, l);
  v128.store(out, r, 16);
}
