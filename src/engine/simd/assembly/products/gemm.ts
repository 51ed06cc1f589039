// The three matrix products of a Linear layer: forward, gradient of the input, gradient of the weight.
//
// B batch rows, K inputs, N outputs of a Linear. Layouts (float32; every pad is zero and stays zero):
//   panel   [B/8][F][8]       activations, eight batch rows in the lanes
//   blocks  [N/12][K'+1][12]  weights, K' = K rounded up to 12; row K' holds the bias
//   strip12 [F/12][B][12]     activations for the weight gradient, features in the lanes
//   strip8  [F/8][B][8]       output gradients for the weight gradient
import { splat, gelu4, sumLanes64 } from '../math';
import { packStrip8 } from './pack';
import { addSquares, BLOCK_BYTES, INIT_ACCUMULATE, INIT_SPLAT, INIT_ZERO, loadTile, microTile, microTileInput, PANEL_BYTES, resetSquares, squares, storeTile, TILE, TILE_BYTES, wide, ZEROS } from './tile';
import { Below, wideBlock, wideTile } from './wide-tile';
import { args, nextUnit } from '../sync';
import { GemmForward, GemmInput, GemmWeight, WEIGHT_UNIT_BLOCKS } from '../../abi/linear.ts';

/** Longest reduction block: 192 × (24 + 8) floats stay in a first-level cache of 32 KiB. */
const DEPTH: i32 = 768;
/** Outputs of one unit of a weight gradient: whole cache lines, and three pairs of strips for wide tiles. */
export const UNIT_OUTPUTS: i32 = 12 * WEIGHT_UNIT_BLOCKS;

/** Length of the equal parts a reduction of `total` is cut into, a multiple of `multiple`. */
function depthOf(total: i32, multiple: i32): i32 {
  const parts = (total + DEPTH - 1) / DEPTH;
  const part = (total + parts - 1) / parts;
  return ((part + multiple - 1) / multiple) * multiple;
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
  addSquares(l, r);
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
    resetSquares();
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

/** Address of output `n` (a multiple of 4) in the first row of its block. */
// @ts-ignore: decorator
@inline
export function weightColumn(w: usize, pitch: usize, n: i32): usize {
  return w + <usize>(n / 12) * pitch + <usize>(n % 12) * 4;
}
