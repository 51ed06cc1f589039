/**
 * Cosines of a predictor on contexts whose order or contents are changed. All ablations use the same rows. B rows, T context length, D width.
 */
import type { OrderAblations } from '#shared/domain/evaluation/evaluation.ts';
import { stream, type Random } from '../random.ts';
import type { Prediction } from '../types.ts';
import { cosine } from './vectors.ts';
import { blocks, type Split } from './windows.ts';

/** Anything that predicts in evaluation mode: a model, or a baseline. contexts [B, T, D]. */
export interface Predictor {
  predict(contexts: Float32Array, B: number): Prediction | Promise<Prediction>;
}

/** Source position of each position of the new context; −1 takes the mean of the other positions. */
type Arrangement = readonly number[];

/** null when there is only one position to move. */
export async function orderAblations(model: Predictor, split: Split, seed: number): Promise<OrderAblations> {
  const { T } = split.source;
  const kept = Array.from({ length: T }, (_, t) => t);
  const random = stream(seed, 'evaluation', 1);
  const measure = (arrangement: (row: number) => Arrangement) => meanCosine(model, split, arrangement);
  const leaveOneOut: number[] = [];
  if (T > 1) for (const out of kept) leaveOneOut.push(await measure(() => kept.map((t) => (t === out ? -1 : t))));
  const reversed = kept.toReversed();
  return {
    base: await measure(() => kept),
    shuffled: T > 1 ? await measure(() => shuffled(T, random)) : null,
    reversed: T > 1 ? await measure(() => reversed) : null,
    leaveOneOut,
  };
}

function shuffled(T: number, random: Random): Arrangement {
  const order = Uint32Array.from({ length: T }, (_, t) => t);
  random.shuffle(order);
  return Array.from(order);
}

async function meanCosine(model: Predictor, split: Split, arrangement: (row: number) => Arrangement): Promise<number> {
  const { T, D } = split.source;
  let sum = 0;
  for (const { contexts, targets, start, B } of blocks(split)) {
    const changed = new Float32Array(contexts.length);
    for (let row = 0; row < B; row++) {
      const from = contexts.subarray(row * T * D, (row + 1) * T * D);
      rearrange(from, changed.subarray(row * T * D, (row + 1) * T * D), arrangement(start + row), D);
    }
    const { raw } = await model.predict(changed, B);
    for (let row = 0; row < B; row++) sum += cosine(raw, row, targets, row, D);
  }
  return sum / split.ids.length;
}

/** from and to [T, D]. */
function rearrange(from: Float32Array, to: Float32Array, arrangement: Arrangement, D: number): void {
  const T = arrangement.length;
  arrangement.forEach((source, t) => {
    if (source >= 0) to.set(from.subarray(source * D, (source + 1) * D), t * D);
    else {
      for (let d = 0; d < D; d++) {
        let sum = 0;
        for (let other = 0; other < T; other++) if (other !== t) sum += from[other * D + d];
        to[t * D + d] = sum / (T - 1);
      }
    }
  });
}
