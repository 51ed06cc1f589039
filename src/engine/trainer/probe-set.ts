/** Fixed validation windows, drawn from the run's seed: diversity and effective rank each epoch, and the golden pair. */
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import { diversity, effectiveRank } from '../evaluation/collapse.ts';
import { unitRows } from '../evaluation/vectors.ts';
import { gatherAll } from '../evaluation/windows.ts';
import { stream } from '../random.ts';
import type { Predictor } from '../types.ts';
import { figure } from './epoch-sums.ts';
import type { GoldenPair, Split } from './types.ts';

export const PROBE_ROWS = 256;
const GOLDEN_ROWS = 8;

export type Collapse = Pick<EpochRecord, 'diversity' | 'effectiveRank'>;

interface Spread {
  readonly diversity: number | null;
  readonly effectiveRank: number | null;
}

export class ProbeSet {
  private readonly windows: ReturnType<typeof gatherAll>;
  private ofTargets: Spread | null = null;

  constructor(validation: Split, seed: number) {
    this.windows = gatherAll(sample(validation, PROBE_ROWS, seed, 1));
  }

  async goldenPair(model: Predictor): Promise<GoldenPair> {
    const { T, D } = model.spec;
    const B = Math.min(GOLDEN_ROWS, this.windows.B);
    const contexts = this.windows.contexts.slice(0, B * T * D);
    return { contexts, raw: (await model.predict(contexts, B)).raw, B };
  }

  async collapse(model: Predictor): Promise<Collapse> {
    const { D } = model.spec;
    const { contexts, targets, B } = this.windows;
    const ofPredictions = spread(unitRows((await model.predict(contexts, B)).raw, D), D);
    // The targets are the same in every epoch.
    this.ofTargets ??= spread(unitRows(targets, D), D);
    return {
      diversity: { predictions: ofPredictions.diversity, targets: this.ofTargets.diversity },
      effectiveRank: { predictions: ofPredictions.effectiveRank, targets: this.ofTargets.effectiveRank },
    };
  }
}

function spread(rows: Float32Array, D: number): Spread {
  return { diversity: figure(diversity(rows, D)), effectiveRank: effectiveRank(rows, D) };
}

/** At most `rows` windows of a split, without repetition. */
export function sample({ source, ids }: Split, rows: number, seed: number, index: number): Split {
  const shuffled = ids.slice();
  stream(seed, 'probe', index).shuffle(shuffled);
  return { source, ids: shuffled.slice(0, rows) };
}
