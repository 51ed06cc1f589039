/**
 * Turned copies: the first rows of each training batch under random orthogonal maps, one an article and epoch, as if they came
 * from another domain. Everything drawn follows from the run's seed, the epoch and the article, so a resumed run draws the
 * same. T context length, D width, B rows of a batch.
 */
import { blocks, meanTarget, type Split } from '../evaluation/windows.ts';
import { turnAtRandom } from '../gram/parts/isometry.ts';
import { stream } from '../random.ts';
import type { WindowSource } from '../types.ts';

export interface Augmentation {
  /** Share of the rows of each batch that is turned. */
  readonly isometry: number;
  /** Article of each window of the source. null: not known; then every window has a map of its own. */
  readonly articleOf: ArrayLike<number> | null;
}

/** Vectors of the training data that the maps are made from. */
const POOL = 1024;

export class TurnedBatches {
  private readonly source: WindowSource;
  private readonly augmentation: Augmentation;
  private readonly seed: number;
  /** Mean target [D]. */
  private readonly mean: Float32Array;
  /** [POOL, D]: the first context vector of windows drawn at random. */
  private readonly pool: Float32Array;

  /** Reads the training windows once. */
  constructor(train: Split, augmentation: Augmentation, seed: number) {
    this.source = train.source;
    this.augmentation = augmentation;
    this.seed = seed;
    this.mean = meanTarget(train);
    this.pool = firstVectors(train, seed);
  }

  /** The batch of windows `ids` in `epoch` as a source of B windows. */
  batch(ids: Uint32Array, epoch: number): WindowSource {
    const { T, D } = this.source;
    const B = ids.length;
    const contexts = new Float32Array(B * T * D);
    const targets = new Float32Array(B * D);
    this.source.gather(ids, contexts, targets);
    const turned = Math.round(this.augmentation.isometry * B);
    const { articleOf } = this.augmentation;
    for (const [article, rows] of rowsByArticle(ids.subarray(0, turned), articleOf)) {
      const vectors = rows.flatMap((row) => [
        contexts.subarray(row * T * D, (row + 1) * T * D),
        targets.subarray(row * D, (row + 1) * D),
      ]);
      this.turn(vectors, article, epoch);
    }
    return { windows: B, T, D, gather: (of, x, y) => copyRows(of, { contexts, targets, T, D }, x, y) };
  }

  /** Turns vectors of one article in place. */
  private turn(vectors: readonly Float32Array[], article: number, epoch: number): void {
    const { D } = this.source;
    const random = stream(this.seed, 'augment', epoch * 2 ** 32 + article);
    turnAtRandom(vectors, this.mean, random, () => {
      const at = random.integer(this.pool.length / D) * D;
      return this.pool.subarray(at, at + D);
    });
  }
}

interface Batch {
  readonly contexts: Float32Array;
  readonly targets: Float32Array;
  readonly T: number;
  readonly D: number;
}

function copyRows(of: Uint32Array, { contexts, targets, T, D }: Batch, x: Float32Array, y: Float32Array): void {
  of.forEach((row, i) => {
    x.set(contexts.subarray(row * T * D, (row + 1) * T * D), i * T * D);
    y.set(targets.subarray(row * D, (row + 1) * D), i * D);
  });
}

/** Places in `ids` by article, or by window where articles are not known. */
function rowsByArticle(ids: Uint32Array, articleOf: ArrayLike<number> | null): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  ids.forEach((id, row) => {
    const article = articleOf ? articleOf[id] : id;
    const known = rows.get(article);
    if (known) known.push(row);
    else rows.set(article, [row]);
  });
  return rows;
}

/** First context vectors of windows drawn at random, at most POOL. */
function firstVectors({ source, ids }: Split, seed: number): Float32Array {
  const { T, D } = source;
  const random = stream(seed, 'augment');
  const drawn = Uint32Array.from({ length: Math.min(POOL, ids.length) }, () => ids[random.integer(ids.length)]);
  const vectors = new Float32Array(drawn.length * D);
  for (const { contexts, start, B } of blocks({ source, ids: drawn })) {
    for (let b = 0; b < B; b++) vectors.set(contexts.subarray(b * T * D, b * T * D + D), (start + b) * D);
  }
  return vectors;
}
