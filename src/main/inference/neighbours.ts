/** Nearest vectors of a set's file to a few predictions, by cosine, in one pass. D width, V vectors, B predictions. */
import { dot } from '#engine/evaluation/vectors.ts';
import type { Dataset } from '../datasets/dataset.ts';

export interface Near {
  readonly vector: number;
  readonly cosine: number;
}

const BLOCK_ROWS = 1024;

/** For each unit row of pred [B, D], its `count` nearest, nearest first; a zero vector is no neighbour. Throws STORE_DAMAGED. */
export async function nearest(set: Dataset, pred: Float32Array, count: number): Promise<Near[][]> {
  const { squares, D, fileVectors } = set;
  const B = pred.length / D;
  const found: Near[][] = Array.from({ length: B }, () => []);
  if (count === 0) return found;
  const reader = await set.verified();
  const block = new Float32Array(BLOCK_ROWS * D);
  for (let first = 0; first < fileVectors; first += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, fileVectors - first);
    reader.range(first, rows, block);
    for (let r = 0; r < rows; r++) {
      const square = squares[first + r];
      if (square === 0) continue;
      const scale = 1 / Math.sqrt(square);
      for (let b = 0; b < B; b++)
        keep(found[b], count, { vector: first + r, cosine: dot(pred, b, block, r, D) * scale });
    }
  }
  return found;
}

/** Keeps `list` sorted and no longer than `count`; of equals the first stays ahead. */
function keep(list: Near[], count: number, candidate: Near): void {
  if (list.length === count && !(candidate.cosine > list[count - 1].cosine)) return;
  let at = list.length;
  while (at > 0 && candidate.cosine > list[at - 1].cosine) at--;
  list.splice(at, 0, candidate);
  if (list.length > count) list.pop();
}
