/** Walks some windows of a source in blocks. B rows of a block, T context length, D vector width. */
import { stream } from '../random.ts';
import type { WindowSource } from '../types.ts';

/** Some windows of a source. */
export interface Split {
  readonly source: WindowSource;
  readonly ids: Uint32Array;
  /** Article of each window of the source; absent: not known. */
  readonly articleOf?: ArrayLike<number>;
}

export interface WindowBlock {
  /** [B, T, D]; valid until the next block. */
  readonly contexts: Float32Array<ArrayBuffer>;
  /** [B, D]; valid until the next block. */
  readonly targets: Float32Array<ArrayBuffer>;
  readonly ids: Uint32Array;
  /** Position of the block's first row in the split. */
  readonly start: number;
  readonly B: number;
}

const BLOCK_ROWS = 256;

export function* blocks({ source, ids }: Split, rows = BLOCK_ROWS): Generator<WindowBlock> {
  const { T, D } = source;
  const capacity = Math.min(rows, ids.length);
  const contexts = new Float32Array(capacity * T * D);
  const targets = new Float32Array(capacity * D);
  for (let start = 0; start < ids.length; start += capacity) {
    const of = ids.subarray(start, start + capacity);
    const B = of.length;
    const block = { contexts: contexts.subarray(0, B * T * D), targets: targets.subarray(0, B * D), ids: of, start, B };
    source.gather(of, block.contexts, block.targets);
    yield block;
  }
}

/**
 * The split in blocks, each with the targets [B, D] of other windows of the split, drawn over all of it: the floor of any cosine, and the same windows
 * wherever it is shown for a seed. Neighbouring windows would be no floor: they are of the same article.
 */
export function* shuffledBlocks(split: Split, seed: number): Generator<{ block: WindowBlock; others: Float32Array }> {
  const ids = split.ids.slice();
  stream(seed, 'evaluation').shuffle(ids);
  const elsewhere = blocks({ source: split.source, ids });
  for (const block of blocks(split)) {
    const { done, value } = elsewhere.next();
    // Both walks are over the same number of windows.
    if (done) return;
    yield { block, others: value.targets };
  }
}

/** The split, or `rows` evenly spaced windows of a larger one. */
export function evenlySpread(split: Split, rows: number): Split {
  const { ids } = split;
  if (ids.length <= rows) return split;
  return { ...split, ids: Uint32Array.from({ length: rows }, (_, i) => ids[Math.floor((i * ids.length) / rows)]) };
}

/** Copies of all windows of a (small) split. */
export function gatherAll({ source, ids }: Split): Omit<WindowBlock, 'start'> {
  const { T, D } = source;
  const contexts = new Float32Array(ids.length * T * D);
  const targets = new Float32Array(ids.length * D);
  source.gather(ids, contexts, targets);
  return { contexts, targets, ids, B: ids.length };
}

/** Mean target [D] of the windows, in float64. */
export function meanTarget(train: Split): Float32Array<ArrayBuffer> {
  const { D } = train.source;
  const sum = new Float64Array(D);
  for (const { targets, B } of blocks(train)) {
    for (let b = 0; b < B; b++) for (let d = 0; d < D; d++) sum[d] += targets[b * D + d];
  }
  return Float32Array.from(sum, (value) => value / train.ids.length);
}
