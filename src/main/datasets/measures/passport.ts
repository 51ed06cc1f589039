/**
 * Measures the passport of a stored data set: streaming, in float64, yielding to the event loop between blocks. Sums over
 * file rows come from per-vector sums weighted by how often a vector occurs in the file; cosines are computed pair by pair.
 * N windows of the main split, T context length, D width, V distinct vectors, M chunks.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfCancelled } from '#shared/domain/errors.ts';
import type { Coherence, Passport } from '#shared/domain/datasets/passport.ts';
import type { VectorReader } from '../vector-reader.ts';
import type { VectorSums } from '../vector-store.ts';

const UNIT_TOLERANCE = 1e-3;
/** Windows measured between two yields to the event loop. */
const BLOCK_WINDOWS = 512;

export interface PassportFigures {
  readonly norm: Passport['norm'];
  readonly value: Passport['value'];
  readonly zeroRows: number;
  readonly nonUnitRows: number;
}

/** Norms and values over vectors that occur `times[v]` times each. */
export function rowFigures(sums: VectorSums, times: Uint32Array, D: number): PassportFigures {
  const V = times.length;
  const total = { rows: 0, sum: 0, squares: 0, norm: 0, zero: 0, nonUnit: 0, min: Infinity, max: -Infinity };
  for (let v = 0; v < V; v++) {
    const n = times[v];
    if (n === 0) continue;
    const norm = Math.sqrt(sums.squares[v]);
    total.rows += n;
    total.sum += n * sums.sum[v];
    total.squares += n * sums.squares[v];
    total.norm += n * norm;
    total.min = Math.min(total.min, norm);
    total.max = Math.max(total.max, norm);
    if (norm === 0) total.zero += n;
    else if (Math.abs(norm - 1) > UNIT_TOLERANCE) total.nonUnit += n;
  }
  const normMean = total.norm / total.rows;
  let spread = 0;
  for (let v = 0; v < V; v++) spread += times[v] * (Math.sqrt(sums.squares[v]) - normMean) ** 2;
  const mean = total.sum / (total.rows * D);
  const std = Math.sqrt(Math.max(0, total.squares / (total.rows * D) - mean * mean));
  return {
    norm: { mean: normMean, std: Math.sqrt(spread / total.rows), min: total.min, max: total.max },
    value: { mean, std },
    zeroRows: total.zero,
    nonUnitRows: total.nonUnit,
  };
}

/** How often each vector occurs in `ids`. */
export function countVectors(ids: Uint32Array, V: number): Uint32Array {
  const times = new Uint32Array(V);
  for (let i = 0; i < ids.length; i++) times[ids[i]]++;
  return times;
}

/** Sums over all contexts and over all targets, from the sums of the vectors. index [N, T+1]. */
export function windowChecksum(index: Uint32Array, T: number, sum: Float64Array): [number, number] {
  let contexts = 0;
  let targets = 0;
  for (let i = 0; i < index.length; i++) {
    if (i % (T + 1) === T) targets += sum[index[i]];
    else contexts += sum[index[i]];
  }
  return [contexts, targets];
}

/** Counts the windows equal to an earlier one in every position and calls `onDuplicate` with each. index [N, T+1]. */
export function countDuplicateWindows(index: Uint32Array, T: number, onDuplicate?: (window: number) => void): number {
  const width = T + 1;
  const N = index.length / width;
  let size = 16;
  while (size < 2 * N) size *= 2;
  const slots = new Uint32Array(size);
  let duplicates = 0;
  const equal = (a: number, b: number): boolean => {
    for (let t = 0; t < width; t++) if (index[a * width + t] !== index[b * width + t]) return false;
    return true;
  };
  for (let w = 0; w < N; w++) {
    let slot = hashIds(index, w * width, width) & (size - 1);
    while (slots[slot] !== 0 && !equal(slots[slot] - 1, w)) slot = (slot + 1) & (size - 1);
    if (slots[slot] === 0) {
      slots[slot] = w + 1;
      continue;
    }
    duplicates++;
    onDuplicate?.(w);
  }
  return duplicates;
}

/** A 32-bit hash of `count` ids from `start`. */
export function hashIds(ids: Uint32Array, start: number, count: number): number {
  let h = 0x9e3779b9;
  for (let i = start; i < start + count; i++) {
    h = Math.imul(((h << 13) | (h >>> 19)) ^ ids[i], 0x85ebca6b);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

export interface WindowCosines {
  /** Cosine of adjacent context rows, window by window, T-1 each; pairs with a zero vector are left out (or NaN). */
  readonly neighbours: Float32Array;
  /** Mean cosine of each context position to the target. */
  readonly positionToTarget: (number | null)[];
}

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  /** Windows or chunks done since the last call. */
  readonly onDone?: (count: number) => void;
  /** Pairs with a zero vector are kept as NaN, so that every window has T-1 entries. */
  readonly keepMissing?: boolean;
}

/** Cosines inside the windows of `index` [N, T+1]. */
export async function windowCosines(
  reader: VectorReader,
  index: Uint32Array,
  T: number,
  squares: Float64Array,
  options: MeasureOptions = {},
): Promise<WindowCosines> {
  const width = T + 1;
  const N = index.length / width;
  const neighbours = new Float32Array(N * (T - 1));
  let pairs = 0;
  const sums = new Float64Array(T);
  const counts = new Float64Array(T);
  const block = new VectorBlock(reader, Math.min(N, BLOCK_WINDOWS) * width);
  for (let first = 0; first < N; first += BLOCK_WINDOWS) {
    const rows = Math.min(BLOCK_WINDOWS, N - first);
    const ids = index.subarray(first * width, (first + rows) * width);
    block.load(ids);
    for (let w = 0; w < rows * width; w += width) {
      for (let t = 0; t < T; t++) {
        const toTarget = block.cosine(w + t, w + T, squares[ids[w + t]], squares[ids[w + T]]);
        if (toTarget !== null) {
          sums[t] += toTarget;
          counts[t]++;
        }
        if (t === T - 1) continue;
        const toNext = block.cosine(w + t, w + t + 1, squares[ids[w + t]], squares[ids[w + t + 1]]);
        if (toNext !== null || options.keepMissing) neighbours[pairs++] = toNext ?? NaN;
      }
    }
    await pause(options, rows);
  }
  const positionToTarget = Array.from(sums, (sum, t) => (counts[t] > 0 ? sum / counts[t] : null));
  return { neighbours: neighbours.subarray(0, pairs), positionToTarget };
}

/** The vectors of some ids; where they lie close together (overlapping windows do) each is read once. */
class VectorBlock {
  private readonly reader: VectorReader;
  private readonly values: Float32Array;
  private readonly rows: Uint32Array;

  constructor(reader: VectorReader, capacity: number) {
    this.reader = reader;
    this.values = new Float32Array(capacity * reader.D);
    this.rows = new Uint32Array(capacity);
  }

  load(ids: Uint32Array): void {
    const lowest = ids.reduce((a, b) => Math.min(a, b));
    const span = ids.reduce((a, b) => Math.max(a, b)) - lowest + 1;
    if (span <= ids.length) {
      this.reader.range(lowest, span, this.values);
      for (let i = 0; i < ids.length; i++) this.rows[i] = ids[i] - lowest;
    } else {
      this.reader.gather(ids, this.values);
      for (let i = 0; i < ids.length; i++) this.rows[i] = i;
    }
  }

  cosine(i: number, j: number, squaresI: number, squaresJ: number): number | null {
    const { D } = this.reader;
    return cosine(dot(this.values, this.rows[i] * D, this.values, this.rows[j] * D, D), squaresI, squaresJ);
  }
}

/** Cosine of each chunk to the next of its article; NaN across articles and beside a zero vector. ids, articles [M]. */
export async function chunkCosines(
  reader: VectorReader,
  ids: Uint32Array,
  articles: Int32Array,
  squares: Float64Array,
  options: MeasureOptions = {},
): Promise<Float32Array> {
  const { D } = reader;
  const M = ids.length;
  const cosines = new Float32Array(Math.max(0, M - 1)).fill(NaN);
  const blockRows = BLOCK_WINDOWS * 4;
  const block = new Float32Array(Math.min(M, blockRows + 1) * D);
  for (let first = 0; first + 1 < M; first += blockRows) {
    const rows = Math.min(blockRows + 1, M - first);
    reader.gather(ids.subarray(first, first + rows), block);
    for (let r = 0; r + 1 < rows; r++) {
      const i = first + r;
      if (articles[i] !== articles[i + 1]) continue;
      const product = dot(block, r * D, block, (r + 1) * D, D);
      cosines[i] = cosine(product, squares[ids[i]], squares[ids[i + 1]]) ?? NaN;
    }
    await pause(options, rows - 1);
  }
  return cosines;
}

async function pause({ signal, onDone }: MeasureOptions, count: number): Promise<void> {
  onDone?.(count);
  await nextTurn();
  throwIfCancelled(signal, 'Measuring the data set');
}

/** Cosine of two vectors from their dot product and squared norms, null when either is zero. */
function cosine(product: number, squaresA: number, squaresB: number): number | null {
  if (squaresA === 0 || squaresB === 0) return null;
  return product / Math.sqrt(squaresA * squaresB);
}

/** Four float64 accumulators over one row of each buffer. */
export function dot(x: Float32Array, xStart: number, y: Float32Array, yStart: number, D: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let d = 0;
  for (; d + 4 <= D; d += 4) {
    s0 += x[xStart + d] * y[yStart + d];
    s1 += x[xStart + d + 1] * y[yStart + d + 1];
    s2 += x[xStart + d + 2] * y[yStart + d + 2];
    s3 += x[xStart + d + 3] * y[yStart + d + 3];
  }
  for (; d < D; d++) s0 += x[xStart + d] * y[yStart + d];
  return s0 + s1 + s2 + s3;
}

/** Mean, percentiles and low share of neighbour cosines; NaN are skipped; all null when there is none. */
export function coherenceOf(cosines: Float32Array): Coherence {
  const known = cosines.filter((c) => !Number.isNaN(c)).toSorted();
  const n = known.length;
  if (n === 0) return { mean: null, p10: null, p50: null, p90: null, shareBelow030: null };
  let sum = 0;
  let below = 0;
  for (const c of known) {
    sum += c;
    if (c < 0.3) below++;
  }
  const percentile = (p: number): number => {
    const at = p * (n - 1);
    const low = Math.floor(at);
    const high = Math.min(n - 1, low + 1);
    return known[low] + (known[high] - known[low]) * (at - low);
  };
  return { mean: sum / n, p10: percentile(0.1), p50: percentile(0.5), p90: percentile(0.9), shareBelow030: below / n };
}
