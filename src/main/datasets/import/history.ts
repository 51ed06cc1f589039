/**
 * Inputs that tell a window what precedes it in its article: the mean of the article so far, and the mean of up to K chunks
 * before the window. Both are means of stored vectors, scaled to the mean length of those vectors.
 * M chunks in reading order, W windows, T chunks of a context, K chunks of history, D width.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { HISTORY_INPUTS } from '#shared/domain/datasets/task.ts';
import type { VectorStoreWriter } from '../vector-store.ts';

/** Chunks between two yields to the event loop. */
const BLOCK_CHUNKS = 512;

export interface HistoryInput {
  /** Vector id and article of each chunk. [M] */
  readonly ids: Uint32Array;
  readonly articles: Int32Array;
  /** First chunk of each window, ascending; a window lies in one article. [W] */
  readonly starts: Uint32Array;
  readonly T: number;
  readonly K: number;
}

/**
 * Adds the derived vectors of every window to the store and returns their ids, [W, 2]:
 *   0  mean of the article from its first chunk to the last of the window's context
 *   1  mean of the last min(K, s) chunks before the window, s its place in the article; for s = 0 the same vector as 0
 * No chunk from the target on is read before the vectors of its window are made.
 */
export async function addHistory(
  writer: VectorStoreWriter,
  input: HistoryInput,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const { ids, articles, starts, T, K } = input;
  const derived = new Uint32Array(starts.length * HISTORY_INPUTS);
  const chunks = new RecentChunks(writer, T + K);
  const soFar = new ScaledSum(writer);
  const before = new ScaledSum(writer);
  let first = 0;
  for (let i = 0, w = 0; i < ids.length && w < starts.length; i++) {
    if (i === 0 || articles[i] !== articles[i - 1]) {
      first = i;
      soFar.clear();
      before.clear();
    }
    soFar.add(chunks.read(i, ids[i]), 1);
    // The window whose context ends with chunk i begins at i − T + 1: chunk i − T is now before it, chunk i − T − K too far.
    if (i - T >= first) before.add(chunks.at(i - T), 1);
    if (i - T - K >= first) before.add(chunks.at(i - T - K), -1);
    if (starts[w] === i - T + 1) {
      derived[w * HISTORY_INPUTS] = soFar.store();
      derived[w * HISTORY_INPUTS + 1] = before.count === 0 ? derived[w * HISTORY_INPUTS] : before.store();
      w++;
    }
    if (i % BLOCK_CHUNKS === BLOCK_CHUNKS - 1) {
      await nextTurn();
      throwIfCancelled(signal, 'The import');
    }
  }
  return derived;
}

/** The last `count` + 1 chunks read. */
class RecentChunks {
  private readonly writer: VectorStoreWriter;
  private readonly rows: Float32Array[];

  constructor(writer: VectorStoreWriter, count: number) {
    this.writer = writer;
    this.rows = Array.from({ length: count + 1 }, () => new Float32Array(writer.D));
  }

  read(chunk: number, id: number): Float32Array {
    const row = this.at(chunk);
    this.writer.read(id, row);
    return row;
  }

  at(chunk: number): Float32Array {
    return this.rows[chunk % this.rows.length];
  }
}

/** Float64 sum of vectors and of their lengths. */
class ScaledSum {
  count = 0;
  private readonly writer: VectorStoreWriter;
  private readonly sum: Float64Array;
  private readonly mean: Float32Array;
  private readonly bits: Uint32Array;
  private lengths = 0;

  constructor(writer: VectorStoreWriter) {
    this.writer = writer;
    this.sum = new Float64Array(writer.D);
    this.mean = new Float32Array(writer.D);
    this.bits = new Uint32Array(this.mean.buffer);
  }

  clear(): void {
    this.sum.fill(0);
    this.count = 0;
    this.lengths = 0;
  }

  add(row: Float32Array, sign: 1 | -1): void {
    let squares = 0;
    for (let d = 0; d < row.length; d++) {
      squares += row[d] * row[d];
      this.sum[d] += sign * row[d];
    }
    this.lengths += sign * Math.sqrt(squares);
    this.count += sign;
  }

  /** Adds the direction of the sum, as long as the vectors are on average, to the store; returns its id. */
  store(): number {
    const norm = Math.sqrt(this.sum.reduce((total, x) => total + x * x, 0));
    const scale = norm === 0 ? 0 : this.lengths / this.count / norm;
    for (let d = 0; d < this.mean.length; d++) this.mean[d] = scale * this.sum[d];
    return this.writer.add(this.mean, this.bits, 0, (d) => {
      const message = `Element ${d} of a mean of chunks is ${this.mean[d]}, which ${this.writer.dtype} cannot hold.`;
      return new NextvecError('OUT_OF_RANGE', message, { remedy: 'Import with float32, or without history.' });
    });
  }
}
