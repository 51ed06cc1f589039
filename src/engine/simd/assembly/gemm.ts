// The three matrix products of a Linear layer: forward, gradient of the input, gradient of the weight.
//
// B batch rows, K inputs, N outputs of a Linear. Layouts (float32; every pad is zero and stays zero):
//   panel   [B/8][F][8]       activations, eight batch rows in the lanes
//   blocks  [N/12][K'+1][12]  weights, K' = K rounded up to 12; row K' holds the bias
//   strip12 [F/12][B][12]     activations for the weight gradient, features in the lanes
//   strip8  [F/8][B][8]       output gradients for the weight gradient
// A tile is TILE × 8: TILE values are splat, two vectors of four are loaded, 2·TILE accumulators stay in registers.
import { fma, splat, gelu4, transpose4, sumLanes64 } from './math';
import { args, nextUnit } from './sync';
import { GemmForward, GemmInput, GemmWeight, WEIGHT_UNIT_BLOCKS } from '../abi/linear.ts';

/** Six rows fill the 15 usable registers with FMA; the plain build needs one more for the product and takes four. */
export const TILE: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
/** Longest reduction block: 192 × (24 + 8) floats stay in a first-level cache of 32 KiB. */
const DEPTH: i32 = 768;
export const BLOCK_BYTES: usize = 48;
const PANEL_BYTES: usize = 32;
/** Outputs of one unit of a weight gradient: whole cache lines, and three pairs of strips for wide tiles. */
export const UNIT_OUTPUTS: i32 = 12 * WEIGHT_UNIT_BLOCKS;
/** Of a tile of twelve rows of eight. */
export const TILE_BYTES: usize = 384;

/** Length of the equal parts a reduction of `total` is cut into, a multiple of `multiple`. */
function depthOf(total: i32, multiple: i32): i32 {
  const parts = (total + DEPTH - 1) / DEPTH;
  const part = (total + parts - 1) / parts;
  return ((part + multiple - 1) / multiple) * multiple;
}

const INIT_ZERO: i32 = 0;
const INIT_SPLAT: i32 = 1;
const INIT_ACCUMULATE: i32 = 2;

/** The twelve zeros that stand for the bias where there is none. */
export const ZEROS = memory.data<f32>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16);

/**
 * Whether tiles of 6 × 16 are faster than those of TILE × 8: where V8 makes one vector of 256 bits of two neighbouring
 * ones (revectorization; registers for 96 sums instead of 48). Lanes are never mixed, so both give the same bits.
 */
export let wide: bool = false;
export function setWide(value: bool): void {
  wide = value;
}

/** Sum of squares of everything stored by `microTile` with `square`, four partial sums; reset by its reader. */
let squares: v128 = f32x4.splat(0);

/**
 * out[i][0..8] = Σ_k a[k][i]·b[k][0..8] for TILE rows i; a has stride 12 floats, b 8 floats. Rows of `out` are
 * `outStride` bytes apart; its left four lanes are at `left`, its right four at `right`.
 */
export function microTile(
  a: usize,
  b: usize,
  depth: i32,
  left: usize,
  right: usize,
  outStride: usize,
  init: i32,
  bias: usize,
  square: bool,
): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  const zero = splat(0);
  l0 = l1 = l2 = l3 = l4 = l5 = r0 = r1 = r2 = r3 = r4 = r5 = zero;
  if (init == INIT_SPLAT) {
    l0 = r0 = v128.load32_splat(bias, 0);
    l1 = r1 = v128.load32_splat(bias, 4);
    l2 = r2 = v128.load32_splat(bias, 8);
    l3 = r3 = v128.load32_splat(bias, 12);
    if (TILE == 6) {
      l4 = r4 = v128.load32_splat(bias, 16);
      l5 = r5 = v128.load32_splat(bias, 20);
    }
  } else if (init == INIT_ACCUMULATE) {
    l0 = v128.load(left);
    r0 = v128.load(right);
    l1 = v128.load(left + outStride);
    r1 = v128.load(right + outStride);
    l2 = v128.load(left + 2 * outStride);
    r2 = v128.load(right + 2 * outStride);
    l3 = v128.load(left + 3 * outStride);
    r3 = v128.load(right + 3 * outStride);
    if (TILE == 6) {
      l4 = v128.load(left + 4 * outStride);
      r4 = v128.load(right + 4 * outStride);
      l5 = v128.load(left + 5 * outStride);
      r5 = v128.load(right + 5 * outStride);
    }
  }
  const end = b + <usize>depth * PANEL_BYTES;
  while (b < end) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    let s = v128.load32_splat(a, 0);
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
    if (TILE == 6) {
      s = v128.load32_splat(a, 16);
      l4 = fma(s, p, l4);
      r4 = fma(s, q, r4);
      s = v128.load32_splat(a, 20);
      l5 = fma(s, p, l5);
      r5 = fma(s, q, r5);
    }
    a += BLOCK_BYTES;
    b += PANEL_BYTES;
  }
  v128.store(left, l0);
  v128.store(right, r0);
  v128.store(left + outStride, l1);
  v128.store(right + outStride, r1);
  v128.store(left + 2 * outStride, l2);
  v128.store(right + 2 * outStride, r2);
  v128.store(left + 3 * outStride, l3);
  v128.store(right + 3 * outStride, r3);
  if (TILE == 6) {
    v128.store(left + 4 * outStride, l4);
    v128.store(right + 4 * outStride, r4);
    v128.store(left + 5 * outStride, l5);
    v128.store(right + 5 * outStride, r5);
  }
  if (square) {
    let s = squares;
    let t = f32x4.mul(r0, r0);
    s = fma(l0, l0, s);
    s = fma(l1, l1, s);
    t = fma(r1, r1, t);
    s = fma(l2, l2, s);
    t = fma(r2, r2, t);
    s = fma(l3, l3, s);
    t = fma(r3, r3, t);
    if (TILE == 6) {
      s = fma(l4, l4, s);
      t = fma(r4, r4, t);
      s = fma(l5, l5, s);
      t = fma(r5, r5, t);
    }
    squares = f32x4.add(s, t);
  }
}

/** out[i][0..8] (+)= Σ_n w[n][i]·y[n][0..8] over `blocks` weight blocks of 12 outputs; i runs over TILE inputs. */
function microTileInput(w: usize, pitch: usize, y: usize, blocks: i32, out: usize, accumulate: bool): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  const zero = splat(0);
  l0 = l1 = l2 = l3 = l4 = l5 = r0 = r1 = r2 = r3 = r4 = r5 = zero;
  if (accumulate) {
    l0 = v128.load(out, 0);
    r0 = v128.load(out, 16);
    l1 = v128.load(out, 32);
    r1 = v128.load(out, 48);
    l2 = v128.load(out, 64);
    r2 = v128.load(out, 80);
    l3 = v128.load(out, 96);
    r3 = v128.load(out, 112);
    if (TILE == 6) {
      l4 = v128.load(out, 128);
      r4 = v128.load(out, 144);
      l5 = v128.load(out, 160);
      r5 = v128.load(out, 176);
    }
  }
  for (let block = 0; block < blocks; block++) {
    const end = w + BLOCK_BYTES;
    let a = w;
    while (a < end) {
      const p = v128.load(y);
      const q = v128.load(y, 16);
      let s = v128.load32_splat(a, 0);
      l0 = fma(s, p, l0);
      r0 = fma(s, q, r0);
      s = v128.load32_splat(a, 48);
      l1 = fma(s, p, l1);
      r1 = fma(s, q, r1);
      s = v128.load32_splat(a, 96);
      l2 = fma(s, p, l2);
      r2 = fma(s, q, r2);
      s = v128.load32_splat(a, 144);
      l3 = fma(s, p, l3);
      r3 = fma(s, q, r3);
      if (TILE == 6) {
        s = v128.load32_splat(a, 192);
        l4 = fma(s, p, l4);
        r4 = fma(s, q, r4);
        s = v128.load32_splat(a, 240);
        l5 = fma(s, p, l5);
        r5 = fma(s, q, r5);
      }
      a += 4;
      y += PANEL_BYTES;
    }
    w += pitch;
  }
  v128.store(out, l0, 0);
  v128.store(out, r0, 16);
  v128.store(out, l1, 32);
  v128.store(out, r1, 48);
  v128.store(out, l2, 64);
  v128.store(out, r2, 80);
  v128.store(out, l3, 96);
  v128.store(out, r3, 112);
  if (TILE == 6) {
    v128.store(out, l4, 128);
    v128.store(out, r4, 144);
    v128.store(out, l5, 160);
    v128.store(out, r5, 176);
  }
}

/** How six rows lie in a block of twelve: side by side at every k, or each in rows of its own. */
export type Beside = i32;
type Below = f32;

/**
 * Two tiles at once, six rows × the panels `b` and `c`, into `left` and `right`, rows of 32 bytes: of `microTile` where the
 * six rows of `a` lie `Beside` each other, of `microTileInput` where they lie `Below`. The reduction runs over `spans`
 * stretches of `span` bytes, `pitch` apart. Neighbouring vectors are read, computed and written side by side for V8 to
 * pair. `bias`: six floats, or ZEROS.
 */
export function wideTile<Rows>(
  a: usize,
  pitch: usize,
  spans: i32,
  span: usize,
  b: usize,
  c: usize,
  left: usize,
  right: usize,
  accumulate: bool,
  bias: usize,
): void {
  let l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128;
  let r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128;
  let m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128;
  let n0: v128, n1: v128, n2: v128, n3: v128, n4: v128, n5: v128;
  if (accumulate) {
    l0 = v128.load(left, 0);
    r0 = v128.load(left, 16);
    m0 = v128.load(right, 0);
    n0 = v128.load(right, 16);
    l1 = v128.load(left, 32);
    r1 = v128.load(left, 48);
    m1 = v128.load(right, 32);
    n1 = v128.load(right, 48);
    l2 = v128.load(left, 64);
    r2 = v128.load(left, 80);
    m2 = v128.load(right, 64);
    n2 = v128.load(right, 80);
    l3 = v128.load(left, 96);
    r3 = v128.load(left, 112);
    m3 = v128.load(right, 96);
    n3 = v128.load(right, 112);
    l4 = v128.load(left, 128);
    r4 = v128.load(left, 144);
    m4 = v128.load(right, 128);
    n4 = v128.load(right, 144);
    l5 = v128.load(left, 160);
    r5 = v128.load(left, 176);
    m5 = v128.load(right, 160);
    n5 = v128.load(right, 176);
  } else {
    l0 = r0 = m0 = n0 = v128.load32_splat(bias, 0);
    l1 = r1 = m1 = n1 = v128.load32_splat(bias, 4);
    l2 = r2 = m2 = n2 = v128.load32_splat(bias, 8);
    l3 = r3 = m3 = n3 = v128.load32_splat(bias, 12);
    l4 = r4 = m4 = n4 = v128.load32_splat(bias, 16);
    l5 = r5 = m5 = n5 = v128.load32_splat(bias, 20);
  }
  for (let i = 0; i < spans; i++) {
    const end = a + span;
    let at = a;
    while (at < end) {
      const p = v128.load(b);
      const q = v128.load(b, 16);
      const t = v128.load(c);
      const u = v128.load(c, 16);
      let s = v128.load32_splat(at, isFloat<Rows>() ? 0 : 0);
      l0 = fma(s, p, l0);
      r0 = fma(s, q, r0);
      m0 = fma(s, t, m0);
      n0 = fma(s, u, n0);
      s = v128.load32_splat(at, isFloat<Rows>() ? 48 : 4);
      l1 = fma(s, p, l1);
      r1 = fma(s, q, r1);
      m1 = fma(s, t, m1);
      n1 = fma(s, u, n1);
      s = v128.load32_splat(at, isFloat<Rows>() ? 96 : 8);
      l2 = fma(s, p, l2);
      r2 = fma(s, q, r2);
      m2 = fma(s, t, m2);
      n2 = fma(s, u, n2);
      s = v128.load32_splat(at, isFloat<Rows>() ? 144 : 12);
      l3 = fma(s, p, l3);
      r3 = fma(s, q, r3);
      m3 = fma(s, t, m3);
      n3 = fma(s, u, n3);
      s = v128.load32_splat(at, isFloat<Rows>() ? 192 : 16);
      l4 = fma(s, p, l4);
      r4 = fma(s, q, r4);
      m4 = fma(s, t, m4);
      n4 = fma(s, u, n4);
      s = v128.load32_splat(at, isFloat<Rows>() ? 240 : 20);
      l5 = fma(s, p, l5);
      r5 = fma(s, q, r5);
      m5 = fma(s, t, m5);
      n5 = fma(s, u, n5);
      at += isFloat<Rows>() ? 4 : BLOCK_BYTES;
      b += PANEL_BYTES;
      c += PANEL_BYTES;
    }
    a += pitch;
  }
  v128.store(left, l0, 0);
  v128.store(left, r0, 16);
  v128.store(left, l1, 32);
  v128.store(left, r1, 48);
  v128.store(left, l2, 64);
  v128.store(left, r2, 80);
  v128.store(left, l3, 96);
  v128.store(left, r3, 112);
  v128.store(left, l4, 128);
  v128.store(left, r4, 144);
  v128.store(left, l5, 160);
  v128.store(left, r5, 176);
  v128.store(right, m0, 0);
  v128.store(right, n0, 16);
  v128.store(right, m1, 32);
  v128.store(right, n1, 48);
  v128.store(right, m2, 64);
  v128.store(right, n2, 80);
  v128.store(right, m3, 96);
  v128.store(right, n3, 112);
  v128.store(right, m4, 128);
  v128.store(right, n4, 144);
  v128.store(right, m5, 160);
  v128.store(right, n5, 176);
}

/** Products of the twelve rows of a block with two panels: two wide tiles, rows of 32 bytes at `left` and `right`. */
export function wideBlock(
  a: usize,
  b: usize,
  c: usize,
  depth: i32,
  left: usize,
  right: usize,
  accumulate: bool,
  bias: usize,
): void {
  const span = <usize>depth * BLOCK_BYTES;
  wideTile<Beside>(a, 0, 1, span, b, c, left, right, accumulate, bias);
  wideTile<Beside>(a + 24, 0, 1, span, b, c, left + 192, right + 192, accumulate, bias + 24);
}

/** Copies features [from, to) of one panel (eight rows) into strip8 at batch row `row`. from and to are multiples of 8. */
export function packStrip8(panel: usize, from: i32, to: i32, strip: usize, stripPitch: usize, row: i32): void {
  for (let f = from; f < to; f += 8) {
    const source = panel + <usize>f * PANEL_BYTES;
    const target = strip + <usize>(f >> 3) * stripPitch + <usize>row * 32;
    for (let half: usize = 0; half < 2; half++) {
      transpose4(source + half * 16, 32, target + half * 128, 32);
      transpose4(source + 128 + half * 16, 32, target + half * 128 + 16, 32);
    }
  }
}

/** Copies features [0, features) of one panel into strip12 at batch row `row`; `features` is a multiple of 12. */
export function packStrip12(panel: usize, features: i32, strip: usize, stripPitch: usize, row: i32): void {
  for (let f = 0; f < features; f += 12) {
    const source = panel + <usize>f * PANEL_BYTES;
    const target = strip + <usize>(f / 12) * stripPitch + <usize>row * 48;
    for (let part: usize = 0; part < 3; part++) {
      transpose4(source + part * 128, 32, target + part * 16, 48);
      transpose4(source + part * 128 + 16, 32, target + part * 16 + 192, 48);
    }
  }
}

function geluRows(z: usize, h: usize, rows: i32): void {
  for (let i = 0; i < rows; i++) {
    v128.store(h, gelu4(v128.load(z)));
    v128.store(h, gelu4(v128.load(z, 16)), 16);
    z += PANEL_BYTES;
    h += PANEL_BYTES;
  }
}

export function gemmForward(op: usize): void {
  const a = args<GemmForward>(op);
  const w = a.w;
  const wPitch = a.wPitch;
  const K = a.K;
  const blocks = a.blocks;
  const x = a.x;
  const xPitch = a.xPitch;
  const panels = a.panels;
  const y = a.y;
  const yPitch = a.yPitch;
  const biasRow = a.biasRow;
  const h = a.h;
  const strip = a.strip;
  const stripPitch = a.stripPitch;
  const unitBlocks = a.unitBlocks;
  const unitPanels = a.unitPanels;
  const panelGroups = (panels + unitPanels - 1) / unitPanels;
  const step = depthOf(K, 1);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const block0 = (unit / panelGroups) * unitBlocks;
    const block1 = min(block0 + unitBlocks, blocks);
    const panel0 = (unit % panelGroups) * unitPanels;
    const panel1 = min(panel0 + unitPanels, panels);
    // Block by block, so that the weights are read as one stream.
    for (let block = block0; block < block1; block++) {
      for (let k = 0; k < K; k += step) {
        const depth = min(step, K - k);
        const init = k > 0 ? INIT_ACCUMULATE : biasRow >= 0 ? INIT_SPLAT : INIT_ZERO;
        const wb = w + <usize>block * wPitch;
        for (let panel = panel0; panel < panel1; panel++) {
          const xk = x + <usize>panel * xPitch + <usize>k * PANEL_BYTES;
          let out = y + <usize>panel * yPitch + <usize>block * (12 * PANEL_BYTES);
          if (wide && panel + 1 < panel1) {
            const bias = biasRow >= 0 ? wb + <usize>biasRow * BLOCK_BYTES : ZEROS;
            wideBlock(wb + <usize>k * BLOCK_BYTES, xk, xk + xPitch, depth, out, out + yPitch, k > 0, bias);
            panel++;
            continue;
          }
          for (let t = 0; t < 12; t += TILE) {
            const offset = <usize>t * 4;
            const bias = wb + <usize>biasRow * BLOCK_BYTES + offset;
            microTile(wb + <usize>k * BLOCK_BYTES + offset, xk, depth, out, out + 16, 32, init, bias, false);
            out += <usize>TILE * PANEL_BYTES;
          }
        }
      }
    }
    if (h == 0 && strip == 0) continue;
    for (let panel = panel0; panel < panel1; panel++) {
      const base = <usize>panel * yPitch;
      const rows = <usize>block0 * (12 * PANEL_BYTES);
      if (h != 0) geluRows(y + base + rows, h + base + rows, (block1 - block0) * 12);
      if (strip != 0) packStrip8(y + base, block0 * 12, (block1 * 12 + 7) & ~7, strip, stripPitch, panel * 8);
    }
  }
}

export function gemmInput(op: usize): void {
  const a = args<GemmInput>(op);
  const w = a.w;
  const wPitch = a.wPitch;
  const blocks = a.blocks;
  const first = a.first;
  const count = a.count;
  const y = a.y;
  const yPitch = a.yPitch;
  const panels = a.panels;
  const out = a.x;
  const outPitch = a.xPitch;
  const unitInputs = a.unitInputs;
  const unitPanels = a.unitPanels;
  const panelGroups = (panels + unitPanels - 1) / unitPanels;
  const depthBlocks = depthOf(blocks * 12, 12) / 12;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const k0 = (unit / panelGroups) * unitInputs;
    const k1 = min(k0 + unitInputs, count);
    const panel0 = (unit % panelGroups) * unitPanels;
    const panel1 = min(panel0 + unitPanels, panels);
    for (let block = 0; block < blocks; block += depthBlocks) {
      const depth = min(depthBlocks, blocks - block);
      const wb = w + <usize>block * wPitch + <usize>first * BLOCK_BYTES;
      for (let panel = panel0; panel < panel1; panel++) {
        const yb = y + <usize>panel * yPitch + <usize>block * (12 * PANEL_BYTES);
        const target = out + <usize>panel * outPitch;
        if (wide && panel + 1 < panel1) {
          for (let k = k0; k < k1; k += 6) {
            const tile = target + <usize>k * PANEL_BYTES;
            const wk = wb + <usize>k * BLOCK_BYTES;
            wideTile<Below>(wk, wPitch, depth, BLOCK_BYTES, yb, yb + yPitch, tile, tile + outPitch, block > 0, ZEROS);
          }
          panel++;
          continue;
        }
        for (let k = k0; k < k1; k += TILE) {
          const tile = target + <usize>k * PANEL_BYTES;
          microTileInput(wb + <usize>k * BLOCK_BYTES, wPitch, yb, depth, tile, block > 0);
        }
      }
    }
  }
}

/** Sum over the batch of two neighbouring vectors of a strip8, into a bias row. */
function biasGradient(dy: usize, B: i32, left: usize, right: usize): void {
  let l = splat(0);
  let r = splat(0);
  for (let b = 0; b < B; b++) {
    l = f32x4.add(l, v128.load(dy));
    r = f32x4.add(r, v128.load(dy, 16));
    dy += 32;
  }
  v128.store(left, l);
  v128.store(right, r);
  squares = fma(l, l, squares);
  squares = fma(r, r, squares);
}

export function gemmWeight(op: usize, scratch: usize): void {
  const a = args<GemmWeight>(op);
  const x = a.x;
  const xPitch = a.xPitch;
  const strips = a.strips;
  const dy = a.dy;
  const dyPitch = a.dyPitch;
  const B = a.B;
  const dw = a.dw;
  const dwPitch = a.dwPitch;
  const blocks = a.blocks;
  const biasRow = a.biasRow;
  const slots = a.slots;
  const unitStrips = a.unitStrips;
  const stripGroups = (strips + unitStrips - 1) / unitStrips;
  const step = depthOf(B, 1);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = (unit / stripGroups) * UNIT_OUTPUTS;
    const strip0 = (unit % stripGroups) * unitStrips;
    const strip1 = min(strip0 + unitStrips, strips);
    const outputs = min(UNIT_OUTPUTS, blocks * 12 - first);
    squares = splat(0);
    for (let b = 0; b < B; b += step) {
      const depth = min(step, B - b);
      const last = b + step >= B;
      const init = b > 0 ? INIT_ACCUMULATE : INIT_ZERO;
      for (let strip = strip0; strip < strip1; strip++) {
        const inputs = x + <usize>strip * xPitch + <usize>b * 48;
        for (let n = 0; n < outputs; n += 8) {
          const y = dy + <usize>((first + n) >> 3) * dyPitch + <usize>b * 32;
          const rows = <usize>strip * 12 * BLOCK_BYTES;
          const left = weightColumn(dw, dwPitch, first + n) + rows;
          const right = n + 4 < outputs ? weightColumn(dw, dwPitch, first + n + 4) + rows : scratch;
          if (wide && n + 16 <= outputs) {
            weightTiles(inputs, y, dyPitch, depth, scratch, dw + rows, dwPitch, first + n, b > 0, last);
            n += 8;
            continue;
          }
          for (let t = 0; t < 12; t += TILE) {
            const o = <usize>t * BLOCK_BYTES;
            microTile(inputs + <usize>t * 4, y, depth, left + o, right + o, BLOCK_BYTES, init, 0, last);
          }
        }
      }
    }
    if (biasRow >= 0 && strip1 == strips) {
      for (let n = 0; n < outputs; n += 8) {
        const column = first + n;
        const rows = <usize>biasRow * BLOCK_BYTES;
        const right = n + 4 < outputs ? weightColumn(dw, dwPitch, column + 4) + rows : scratch;
        biasGradient(dy + <usize>(column >> 3) * dyPitch, B, weightColumn(dw, dwPitch, column) + rows, right);
      }
    }
    store<f64>(slots + (<usize>unit << 3), sumLanes64(squares));
  }
}

/** Gradients of twelve inputs for sixteen outputs from `column` on, as `microTile` would store them. */
function weightTiles(
  a: usize,
  y: usize,
  pitch: usize,
  depth: i32,
  scratch: usize,
  dw: usize,
  dwPitch: usize,
  column: i32,
  accumulate: bool,
  square: bool,
): void {
  const second = scratch + TILE_BYTES;
  if (accumulate) {
    for (let n = 0; n < 16; n += 8) {
      const left = weightColumn(dw, dwPitch, column + n);
      loadTile(n == 0 ? scratch : second, left, weightColumn(dw, dwPitch, column + n + 4));
    }
  }
  wideBlock(a, y, y + pitch, depth, scratch, second, accumulate, ZEROS);
  for (let n = 0; n < 16; n += 8) {
    const left = weightColumn(dw, dwPitch, column + n);
    storeTile(n == 0 ? scratch : second, left, weightColumn(dw, dwPitch, column + n + 4), square);
  }
}

/** Copies twelve rows of eight gradients, 48 bytes apart, to a tile. */
function loadTile(tile: usize, left: usize, right: usize): void {
  for (const end = tile + TILE_BYTES; tile < end; tile += 32) {
    v128.store(tile, v128.load(left));
    v128.store(tile, v128.load(right), 16);
    left += BLOCK_BYTES;
    right += BLOCK_BYTES;
  }
}

/** Copies a tile to its place and adds its squares to `squares` in the order of `microTile`. */
function storeTile(tile: usize, left: usize, right: usize, square: bool): void {
  for (let t = 0; t < 12; t += TILE) {
    let s = squares;
    let u = splat(0);
    for (let i = 0; i < TILE; i++) {
      const l = v128.load(tile);
      const r = v128.load(tile, 16);
      v128.store(left, l);
      v128.store(right, r);
      s = fma(l, l, s);
      u = i == 0 ? f32x4.mul(r, r) : fma(r, r, u);
      tile += 32;
      left += BLOCK_BYTES;
      right += BLOCK_BYTES;
    }
    if (square) squares = f32x4.add(s, u);
  }
}

/** Address of output `n` (a multiple of 4) in the first row of its block. */
// @ts-ignore: decorator
@inline
export function weightColumn(w: usize, pitch: usize, n: i32): usize {
  return w + <usize>(n / 12) * pitch + <usize>(n % 12) * 4;
}
