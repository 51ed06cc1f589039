/**
 * Cosine and error of a model on a split: what an epoch's evaluation and the evaluation page start from. Rows whose
 * prediction is not finite are counted, and make the means NaN: they are never left out silently.
 */
import type { Predictor } from '../types.ts';
import { dot, squaredNorm } from './vectors.ts';
import { blocks, type Split } from './windows.ts';

export interface Score {
  readonly rows: number;
  /** Cosine of prediction and target, one a window of the split. */
  readonly cosines: Float32Array;
  /** Mean of `cosines`. */
  readonly cosine: number;
  /** Mean over B·D of (unit prediction − target)²; for unit targets 2(1 − cosine)/D. The validation loss. */
  readonly unitMse: number;
  /** The same of the raw prediction. */
  readonly rawMse: number;
  /** Mean norm of the prediction before normalisation. */
  readonly rawNorm: number;
  readonly nonFiniteRows: number;
}

/** Called between blocks, e.g. to yield to the event loop; false ends the work. */
export type Between = () => boolean | Promise<boolean>;
const always: Between = () => true;

/** null when `between` ended it. */
export async function score(model: Predictor, split: Split, between = always): Promise<Score | null> {
  const { D } = split.source;
  const rows = split.ids.length;
  const cosines = new Float32Array(rows);
  const sums = { cosine: 0, unit: 0, raw: 0, norm: 0 };
  let nonFiniteRows = 0;
  for (const { contexts, targets, start, B } of blocks(split)) {
    const { raw } = await model.predict(contexts, B);
    for (let row = 0; row < B; row++) {
      const rr = squaredNorm(raw, row, D);
      const tt = squaredNorm(targets, row, D);
      const rt = dot(raw, row, targets, row, D);
      const norm = Math.max(Math.sqrt(rr), 1e-12);
      const ofRow = tt === 0 ? 0 : rt / (norm * Math.sqrt(tt));
      if (!Number.isFinite(ofRow)) nonFiniteRows++;
      cosines[start + row] = ofRow;
      sums.cosine += ofRow;
      sums.unit += rr / norm ** 2 - (2 * rt) / norm + tt;
      sums.raw += rr - 2 * rt + tt;
      sums.norm += norm;
    }
    if (!(await between())) return null;
  }
  return {
    rows,
    cosines,
    cosine: sums.cosine / rows,
    unitMse: sums.unit / (rows * D),
    rawMse: sums.raw / (rows * D),
    rawNorm: sums.norm / rows,
    nonFiniteRows,
  };
}
