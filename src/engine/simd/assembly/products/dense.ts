// Products of dense matrices in any orientation, from operands packed in strips; see ../../abi/dense.ts. `packRows` puts rows
// into the lanes (reduction over columns), `packColumns` columns (reduction over rows).
import { microTile, TILE, TILE_BYTES, wide, ZEROS } from './tile';
import { wideBlock } from './wide-tile';
import { args, nextUnit } from '../sync';
import { AddProduct, PackColumns, PackRows, Product, PRODUCT_UNIT_STRIPS } from '../../abi/dense.ts';

/** Longest piece of a reduction: 768 × (24 + 8) floats stay in a second-level cache next to the tile's strips. */
const DEPTH: i32 = 768;
const A_BYTES: usize = 48;
const B_BYTES: usize = 32;

export function packRows(op: usize): void {
  const a = args<PackRows>(op);
  const step = <usize>a.lanes << 2;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let lane = 0; lane < a.lanes; lane++) {
      const row = unit * a.lanes + lane;
      const from = a.rows + <usize>row * a.pitch;
      let to = a.out + <usize>unit * a.outPitch + (<usize>lane << 2);
      const isThere = row < a.count;
      for (let c = 0; c < a.columns; c++) {
        store<f32>(to, isThere ? load<f32>(from + (<usize>c << 2)) : 0);
        to += step;
      }
    }
  }
}

export function packColumns(op: usize): void {
  const a = args<PackColumns>(op);
  const bytes = <usize>a.lanes << 2;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    let from = a.rows + <usize>unit * bytes;
    let to = a.out + <usize>unit * a.outPitch;
    for (let row = 0; row < a.count; row++) {
      for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
      from += a.pitch;
      to += bytes;
    }
  }
}

/** Products of one strip of `a` with two of `b`, as two tiles of twelve rows of eight at `out`. */
export function tilePair(a: usize, b: usize, bPitch: usize, depth: i32, out: usize): void {
  for (let k = 0; k < depth; k += DEPTH) {
    const piece = min(DEPTH, depth - k);
    const ak = a + <usize>k * A_BYTES;
    const bk = b + <usize>k * B_BYTES;
    if (wide) {
      wideBlock(ak, bk, bk + bPitch, piece, out, out + TILE_BYTES, k > 0, ZEROS);
      continue;
    }
    for (let t = 0; t < 12; t += TILE) {
      const tile = out + <usize>t * 32;
      const at = ak + <usize>t * 4;
      microTile(at, bk, piece, tile, tile + 16, 32, k > 0 ? 2 : 0, 0, false);
      microTile(at, bk + bPitch, piece, tile + TILE_BYTES, tile + TILE_BYTES + 16, 32, k > 0 ? 2 : 0, 0, false);
    }
  }
}

/** Scratch: two tiles. */
export function product(op: usize, scratch: usize): void {
  const a = args<Product>(op);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = unit * PRODUCT_UNIT_STRIPS;
    const last = min(first + PRODUCT_UNIT_STRIPS, a.aStrips);
    for (let j = 0; j < a.bStrips; j += 2) {
      const b = a.b + <usize>j * a.bPitch;
      for (let i = first; i < last; i++) {
        tilePair(a.a + <usize>i * a.aPitch, b, a.bPitch, a.K, scratch);
        storeTransposed(scratch, a.out + <usize>(j * 8) * a.outPitch + <usize>(i * 12) * 4, a.outPitch);
      }
    }
  }
}

/** Writes the sixteen columns of two tiles as rows of twelve floats. */
export function storeTransposed(tiles: usize, out: usize, pitch: usize): void {
  for (let n: usize = 0; n < 16; n++) {
    const column = tiles + (n >> 3) * TILE_BYTES + (n & 7) * 4;
    for (let m: usize = 0; m < 12; m++) store<f32>(out + (m << 2), load<f32>(column + m * 32));
    out += pitch;
  }
}

/** Scratch: two tiles. */
export function addProduct(op: usize, scratch: usize): void {
  const a = args<AddProduct>(op);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = unit * PRODUCT_UNIT_STRIPS;
    const last = min(first + PRODUCT_UNIT_STRIPS, a.aStrips);
    for (let j = 0; j < a.bStrips; j += 2) {
      const b = a.b + <usize>j * a.bPitch;
      for (let i = first; i < last; i++) {
        if (j * 8 + 16 <= i * 12) break;
        tilePair(a.a + <usize>i * a.aPitch, b, a.bPitch, a.K, scratch);
        addTiles(scratch, a.out + <usize>(i * 12) * a.outPitch + <usize>(j * 8) * 8, a.outPitch);
      }
    }
  }
}

/** Adds two tiles to rows of sixteen float64. */
function addTiles(tiles: usize, out: usize, pitch: usize): void {
  for (let m: usize = 0; m < 12; m++) {
    for (let n: usize = 0; n < 16; n += 2) {
      const pair = v128.load64_zero(tiles + (n >> 3) * TILE_BYTES + m * 32 + (n & 7) * 4);
      const at = out + (n << 3);
      v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(pair)));
    }
    out += pitch;
  }
}
