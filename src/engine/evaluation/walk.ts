/**
 * One pass over all windows of a split: what a predictor and its baselines do on each. B rows of a block, T context length,
 * D vector width.
 */
import { entriesOf } from '#shared/domain/records.ts';
import type { BaselineName } from '#shared/domain/runs/training.ts';
import type { Predictor } from './ablations.ts';
import { beyondCosine } from './beyond-context.ts';
import { contextMeans, cosine, squaredNorm } from './vectors.ts';
import { shuffledBlocks, type Split, type WindowBlock } from './windows.ts';

export interface WalkOptions {
  /** Baselines to compare the predictor with; those left out stay null. 'shuffled' needs none. */
  readonly baselines: Partial<Record<BaselineName, Predictor>>;
  readonly seed: number;
  /** Share done, 0..1, between blocks; false ends the work. */
  readonly progress?: (fraction: number) => boolean | Promise<boolean>;
}

/** Thrown when `progress` returns false. */
class MeasurementStopped extends Error {}

/** Of the predictor. */
interface Figures {
  /** Cosine of prediction and target, one a row. */
  readonly cosines: Float32Array;
  /** Cosine of the mean of the context and target, one a row. */
  readonly contextMeans: Float32Array;
  /** Σ cos(prediction, position), then the target; [T + 1]. */
  readonly offsets: Float64Array;
  /** The same of the mean of the context. */
  readonly meanOffsets: Float64Array;
  /** Σ (unit prediction − target)² and Σ |prediction|. */
  squares: number;
  norms: number;
  /** Σ of `beyondCosine` over the rows where it is defined, and how many those are. */
  beyond: number;
  beyondRows: number;
}

export interface Walk extends Readonly<Figures> {
  /** Cosine of each measured baseline's prediction and target, one a row. */
  readonly baselineRows: ReadonlyMap<BaselineName, Float32Array>;
}

export async function walk(model: Predictor, split: Split, options: WalkOptions): Promise<Walk> {
  const { T, D } = split.source;
  const rows = split.ids.length;
  const figures: Figures = {
    cosines: new Float32Array(rows),
    contextMeans: new Float32Array(rows),
    offsets: new Float64Array(T + 1),
    meanOffsets: new Float64Array(T + 1),
    squares: 0,
    norms: 0,
    beyond: 0,
    beyondRows: 0,
  };
  const fitted = entriesOf(options.baselines);
  const baselineRows = new Map<BaselineName, Float32Array>(fitted.map(([name]) => [name, new Float32Array(rows)]));
  if (rows > 1) baselineRows.set('shuffled', new Float32Array(rows));
  for (const { block, others } of shuffledBlocks(split, options.seed)) {
    const { contexts, targets, start, B } = block;
    const score = (name: BaselineName, guesses: Float32Array, against: Float32Array) => {
      const ofRows = baselineRows.get(name);
      if (ofRows) for (let row = 0; row < B; row++) ofRows[start + row] = cosine(guesses, row, against, row, D);
    };
    const { raw } = await model.predict(contexts, B);
    const means = contextMeans(contexts, B, T, D);
    addBlock(figures, block, { raw, means, T, D });
    score('shuffled', means, others);
    for (const [name, baseline] of fitted) score(name, (await baseline.predict(contexts, B)).raw, targets);
    if ((await options.progress?.((start + B) / rows)) === false)
      throw new MeasurementStopped('The evaluation was stopped.');
  }
  return { ...figures, baselineRows };
}

interface BlockPredictions {
  /** Predictions and means of the contexts, [B, D]. */
  readonly raw: Float32Array;
  readonly means: Float32Array;
  readonly T: number;
  readonly D: number;
}

/** Adds the rows of a block to `figures`. */
function addBlock(figures: Figures, block: WindowBlock, { raw, means, T, D }: BlockPredictions): void {
  const { contexts, targets, start, B } = block;
  const { cosines, contextMeans: ofMeans, offsets, meanOffsets } = figures;
  for (let row = 0; row < B; row++) {
    const ofRow = cosine(raw, row, targets, row, D);
    const norm = Math.sqrt(squaredNorm(raw, row, D));
    cosines[start + row] = Number.isFinite(norm) ? ofRow : Number.NaN;
    offsets[T] += ofRow;
    ofMeans[start + row] = cosine(means, row, targets, row, D);
    meanOffsets[T] += ofMeans[start + row];
    for (let t = 0; t < T; t++) {
      offsets[t] += cosine(raw, row, contexts, row * T + t, D);
      meanOffsets[t] += cosine(means, row, contexts, row * T + t, D);
    }
    const beyond = beyondCosine(contexts.subarray(row * T * D, (row + 1) * T * D), raw, targets, row, D);
    if (beyond !== null) {
      figures.beyond += beyond;
      figures.beyondRows++;
    }
    const tt = squaredNorm(targets, row, D);
    figures.squares += 1 + tt - 2 * ofRow * Math.sqrt(tt);
    figures.norms += norm;
  }
}
