// The most similar of many keys for each query, exactly, and softmax means of what belongs to them.
import { exp4, fma, splat } from './math';
import { storeTransposed, tilePair } from './products/dense';
import { TILE_BYTES } from './products/tile';
import { args, nextUnit } from './sync';
import { Nearest, NEAREST_CHUNK, NEAREST_PANELS, NeighbourMeans } from '../abi/gram.ts';

/** Whether entry i of a list is worse than entry j: less similar, or as similar and later. */
// @ts-ignore: decorator
@inline
function isWorse(s: usize, ids: usize, i: i32, j: i32): bool {
  const a = load<f32>(s + (<usize>i << 2));
  const b = load<f32>(s + (<usize>j << 2));
  return a < b || (a == b && load<i32>(ids + (<usize>i << 2)) > load<i32>(ids + (<usize>j << 2)));
}

function swap(s: usize, ids: usize, i: i32, j: i32): void {
  const a = <usize>i << 2;
  const b = <usize>j << 2;
  const similarity = load<f32>(s + a);
  const id = load<i32>(ids + a);
  store<f32>(s + a, load<f32>(s + b));
  store<i32>(ids + a, load<i32>(ids + b));
  store<f32>(s + b, similarity);
  store<i32>(ids + b, id);
}

/** Restores a heap of `size` entries, worst at the root, whose entry i may be better than its children. */
function siftDown(s: usize, ids: usize, size: i32, i: i32): void {
  while (true) {
    let worst = i;
    const left = 2 * i + 1;
    if (left < size && isWorse(s, ids, left, worst)) worst = left;
    if (left + 1 < size && isWorse(s, ids, left + 1, worst)) worst = left + 1;
    if (worst == i) return;
    swap(s, ids, i, worst);
    i = worst;
  }
}

/** Takes keys [first, first + count) with similarities at `from` into a list of the k best; keys come in order. */
function take(from: usize, first: i32, count: i32, s: usize, ids: usize, k: i32): void {
  let i = 0;
  for (; i < count && first + i < k; i++) {
    store<f32>(s + (<usize>(first + i) << 2), load<f32>(from + (<usize>i << 2)));
    store<i32>(ids + (<usize>(first + i) << 2), first + i);
    if (first + i == k - 1) for (let parent = k / 2 - 1; parent >= 0; parent--) siftDown(s, ids, k, parent);
  }
  while (i < count) {
    // Most keys are worse than all of the list: four at a time.
    if ((i & 3) == 0 && i + 4 <= count) {
      const better = f32x4.gt(v128.load(from + (<usize>i << 2)), splat(load<f32>(s)));
      if (!v128.any_true(better)) {
        i += 4;
        continue;
      }
    }
    const similarity = load<f32>(from + (<usize>i << 2));
    if (similarity > load<f32>(s)) {
      store<f32>(s, similarity);
      store<i32>(ids, first + i);
      siftDown(s, ids, k, 0);
    }
    i++;
  }
}

/** Sorts a heap: best first. */
function sort(s: usize, ids: usize, k: i32): void {
  for (let last = k - 1; last > 0; last--) {
    swap(s, ids, 0, last);
    siftDown(s, ids, last, 0);
  }
}

/** Scratch: two tiles, then similarities [8 · NEAREST_PANELS][NEAREST_CHUNK]. */
export function nearest(op: usize, scratch: usize): void {
  const a = args<Nearest>(op);
  const k = a.k;
  const similarities = scratch + 2 * TILE_BYTES;
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const first = unit * NEAREST_PANELS * 8;
    const count = min(NEAREST_PANELS * 8, a.queryCount - first);
    for (let chunk = 0; chunk < a.keyCount; chunk += NEAREST_CHUNK) {
      const size = min(NEAREST_CHUNK, a.keyCount - chunk);
      multiplyChunk(a, unit * NEAREST_PANELS, (count + 7) >> 3, chunk, size, scratch);
      for (let q = 0; q < count; q++) {
        const list = <usize>((first + q) * k) << 2;
        take(similarities + <usize>(q * NEAREST_CHUNK) * 4, chunk, size, a.similarities + list, a.ids + list, k);
      }
    }
    for (let q = 0; q < count; q++) {
      const list = <usize>((first + q) * k) << 2;
      sort(a.similarities + list, a.ids + list, k);
    }
  }
}

/** Products of `panels` strips of queries from `panel` on with keys [chunk, chunk + size), NEAREST_CHUNK floats a query. */
function multiplyChunk(a: Nearest, panel: i32, panels: i32, chunk: i32, size: i32, tiles: usize): void {
  const out = tiles + 2 * TILE_BYTES;
  for (let strip = 0; strip * 12 < size; strip++) {
    const keys = a.keys + <usize>(chunk / 12 + strip) * a.keyPitch;
    for (let p = 0; p < panels; p += 2) {
      tilePair(keys, a.queries + <usize>(panel + p) * a.queryPitch, a.queryPitch, a.features, tiles);
      storeTransposed(tiles, out + <usize>(p * 8 * NEAREST_CHUNK + strip * 12) * 4, NEAREST_CHUNK * 4);
    }
  }
}

/** Scratch: `use` floats. */
export function neighbourMeans(op: usize, scratch: usize): void {
  const a = args<NeighbourMeans>(op);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const s = a.similarities + <usize>(unit * a.k) * 4;
    const ids = a.ids + <usize>(unit * a.k) * 4;
    const out = a.out + <usize>unit * a.outPitch;
    let sum: f64 = 0;
    for (let j = 0; j < a.use; j++) {
      const e = f32x4.extract_lane(exp4(splat((load<f32>(s + (<usize>j << 2)) - load<f32>(s)) * a.sharpness)), 0);
      store<f32>(scratch + (<usize>j << 2), e);
      sum += e;
    }
    memory.fill(out, 0, a.vectorBytes);
    for (let j = 0; j < a.use; j++) {
      const share = splat(<f32>(<f64>load<f32>(scratch + (<usize>j << 2)) / sum));
      const value = a.values + <usize>load<i32>(ids + (<usize>j << 2)) * a.valuePitch;
      for (let at: usize = 0; at < a.vectorBytes; at += 16) {
        v128.store(out + at, fma(share, v128.load(value + at), v128.load(out + at)));
      }
    }
  }
}
