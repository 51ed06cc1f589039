/**
 * Whether tiles of 6 × 16 (assembly/products/wide-tile.ts) are faster than those of 6 × 8 here. Their 24 sums of 128 bits fit
 * no register file; but V8 can pair neighbouring vectors into 256 bits, where processor and build allow it, and then
 * twelve registers hold them and a product takes half the time. WebAssembly cannot query the processor, so both are timed.
 */
import { idleImports, openKernels } from './kernels.ts';

/** Byte offsets in the one page of the measurement: above the constants of the kernels, which end below 8192. */
const A = 8192;
const B = 24_576;
const C = 32_768;
const OUT = 45_056;
const DEPTH = 256;
const TILE_FLOATS = 96;

/** Tiles in one timing, about a tenth of a millisecond. */
const ROUNDS = 100;
/** V8 optimises a function once it has run for some milliseconds; earlier times are not representative. */
const MIN_MS = 60;
const MAX_MS = 400;
/** Timings in a row before yielding to other work of this process. */
const TIMINGS = 20;
/** Wide tiles are used below this share of the other's time; where pairing works it is about one half. */
const CLEAR_SHARE = 0.75;

let answer: Promise<boolean> | undefined;

/** Measured once in a process, in 60 to 400 ms. `module`: kernels compiled after `pairVectors`; `shared`: their memory. */
export function wideTilesPay(module: WebAssembly.Module, shared: boolean): Promise<boolean> {
  answer ??= measure(module, shared);
  return answer;
}

/** Times of ROUNDS tiles of either kind in ms, and whether their products are right. */
export interface TileComparison {
  readonly narrowMs: number;
  readonly wideMs: number;
  readonly narrowExact: boolean;
  readonly wideExact: boolean;
}

async function measure(module: WebAssembly.Module, shared: boolean): Promise<boolean> {
  const { narrowMs, wideMs, wideExact } = await compareTiles(module, shared);
  return wideExact && wideMs < CLEAR_SHARE * narrowMs;
}

export async function compareTiles(module: WebAssembly.Module, shared: boolean): Promise<TileComparison> {
  const imports = idleImports(shared);
  const { memory } = imports;
  const { tiles } = openKernels(module, imports);
  const expected = fill(new Float32Array(memory.buffer));
  const time = (asWide: boolean) => {
    const from = performance.now();
    tiles(A, B, C, DEPTH, OUT, asWide, ROUNDS);
    return performance.now() - from;
  };
  const start = performance.now();
  let narrowMs = Infinity;
  let wideMs = Infinity;
  do {
    for (let i = 0; i < TIMINGS; i++) {
      narrowMs = Math.min(narrowMs, time(false));
      wideMs = Math.min(wideMs, time(true));
    }
    await new Promise((resolve) => setTimeout(resolve));
  } while (undecided(performance.now() - start, wideMs / narrowMs));
  // Small integers, whose products and sums are exact: a compiler that mixes up lanes gives other results.
  const exact = (asWide: boolean) => {
    const out = new Float32Array(memory.buffer, OUT, TILE_FLOATS).fill(Number.NaN);
    time(asWide);
    return out.every((value, i) => value === expected[i]);
  };
  return { narrowMs, wideMs, narrowExact: exact(false), wideExact: exact(true) };
}

function undecided(ms: number, share: number): boolean {
  return ms < MIN_MS || (ms < MAX_MS && share >= CLEAR_SHARE);
}

/** Writes small integers to the operands; returns the products of six rows with both panels. */
function fill(floats: Float32Array): Float32Array {
  const integer = (i: number) => ((i * 37) % 17) - 8;
  for (let i = 0; i < 12 * DEPTH; i++) floats[A / 4 + i] = integer(i);
  for (let i = 0; i < 8 * DEPTH; i++) {
    floats[B / 4 + i] = integer(i + 5);
    floats[C / 4 + i] = integer(3 * i + 1);
  }
  return Float32Array.from({ length: TILE_FLOATS }, (_, at) => {
    const panel = (at < TILE_FLOATS / 2 ? B : C) / 4;
    const row = (at % (TILE_FLOATS / 2)) >> 3;
    let sum = 0;
    for (let k = 0; k < DEPTH; k++) sum += floats[A / 4 + k * 12 + row] * floats[panel + k * 8 + (at & 7)];
    return sum;
  });
}
