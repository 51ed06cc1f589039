/** Sentence embeddings have dimensions that hardly vary; no figure may be ruled by division by their spread. */
import { describe, expect, it } from 'vitest';
import { fitBaselines } from '#engine/evaluation/baselines.ts';
import { baselineCosines } from '../support/walks.ts';
import { effectiveRank } from '#engine/evaluation/collapse.ts';
import { measure } from '#engine/evaluation/measure.ts';
import { contextMeans } from '#engine/evaluation/vectors.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import { lossTerms } from '../reference/losses.ts';
import { Random } from '#engine/random.ts';
import { LOSS } from '../support/training.ts';

const T = 5;
const D = 12;
const ROWS = 200;
/** Column whose targets vary by `DEAD_STD` around `DEAD_VALUE`. */
const DEAD_COLUMN = 3;
const DEAD_VALUE = -0.4;
const DEAD_STD = 1e-8;

/** Windows of unit vectors; in one column the targets are almost constant and the contexts vary by 0.01. */
function windowsWithDeadColumn(seed: number): Split {
  const random = new Random(seed);
  const rest = Math.sqrt(1 - DEAD_VALUE ** 2);
  const vector = (std: number) => {
    const values = Array.from({ length: D }, (_, d) => (d === DEAD_COLUMN ? 0 : random.normal()));
    const norm = Math.hypot(...values);
    return values.map((x, d) => (d === DEAD_COLUMN ? DEAD_VALUE + std * random.normal() : (rest * x) / norm));
  };
  const windows = Array.from({ length: ROWS }, () => ({
    context: Array.from({ length: T }, () => vector(0.01)).flat(),
    target: vector(DEAD_STD),
  }));
  const source: Split['source'] = {
    windows: ROWS,
    T,
    D,
    gather(ids, contexts, targets) {
      ids.forEach((id, row) => {
        contexts.set(windows[id].context, row * T * D);
        targets.set(windows[id].target, row * D);
      });
    },
  };
  return { source, ids: Uint32Array.from({ length: ROWS }, (_, i) => i) };
}

describe('a dimension that hardly varies', () => {
  const split = windowsWithDeadColumn(1);

  it('leaves the spread ratio near that of the other dimensions', async () => {
    const predict = (contexts: Float32Array, B: number) => ({ raw: contextMeans(contexts, B, T, D) });
    const { spreadRatio } = await measure({ predict }, split, { baselines: {}, seed: 1 });
    expect(spreadRatio).toBeGreaterThan(0.3);
    expect(spreadRatio).toBeLessThan(1.5);
  });

  it('leaves the effective rank below the number of dimensions that vary', async () => {
    const targets = new Float32Array(ROWS * D);
    split.source.gather(split.ids, new Float32Array(ROWS * T * D), targets);
    const rank = effectiveRank(targets, D);
    expect(rank).toBeGreaterThan(D - 2);
    expect(rank).toBeLessThanOrEqual(D - 1 + 1e-6);
  });

  it('keeps the ridge and every baseline finite and at most 1', async () => {
    const fitted = await fitBaselines(split, windowsWithDeadColumn(2));
    if (!fitted?.ridge) throw new Error('no ridge was fitted');
    expect(Math.max(...fitted.ridge.map(Math.abs))).toBeLessThan(2);
    const scores = await baselineCosines(fitted, windowsWithDeadColumn(3), 1);
    for (const score of Object.values(scores ?? {})) expect(Math.abs(score)).toBeLessThanOrEqual(1);
  });

  it('bounds every loss term and its gradient', () => {
    const B = 32;
    const context = new Float32Array(B * T * D);
    const target = new Float32Array(B * D);
    split.source.gather(split.ids.subarray(0, B), context, target);
    const raw = contextMeans(context, B, T, D).map((x, i) => (i % D === DEAD_COLUMN ? Math.fround(DEAD_VALUE) : x));
    for (const { value, gradient } of Object.values(lossTerms({ raw, target, context, B, T, D }, LOSS))) {
      expect(Math.abs(value)).toBeLessThan(100);
      expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(10);
    }
  });
});
