/**
 * What is measured at the end of an epoch: validation and OOD scores, part-gradient norms on a fixed probe batch,
 * diversity and effective rank on a fixed probe set. The same windows every epoch, drawn from the run's seed.
 */
import { byTerm } from '#shared/domain/models/terms.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import { diversity, effectiveRank } from '../evaluation/collapse.ts';
import { score, type Between, type Score } from '../evaluation/score.ts';
import { unitRows } from '../evaluation/vectors.ts';
import { gatherAll } from '../evaluation/windows.ts';
import { stream } from '../random.ts';
import type { TrainableModel } from '../types.ts';
import { figure } from './epoch-sums.ts';
import type { GoldenPair, Split, TrainerOptions } from './types.ts';

const PROBE_ROWS = 256;
const GOLDEN_ROWS = 8;

export interface EpochMeasurement {
  readonly validation: Score;
  readonly ood: Score | null;
  readonly partGradNorms: EpochRecord['partGradNorms'];
  readonly diversity: EpochRecord['diversity'];
  readonly effectiveRank: EpochRecord['effectiveRank'];
}

interface Spread {
  readonly diversity: number | null;
  readonly effectiveRank: number | null;
}

export class EpochEvaluation {
  private readonly model: TrainableModel;
  private readonly validation: Split;
  private readonly ood: Split | undefined;
  private readonly probeBatch: ReturnType<typeof gatherAll>;
  private readonly probeSet: ReturnType<typeof gatherAll>;
  private ofTargets: Spread | null = null;

  constructor({ model, train, validation, ood, settings }: TrainerOptions) {
    this.model = model;
    this.validation = validation;
    this.ood = ood;
    this.probeBatch = gatherAll(sample(train, Math.min(settings.batchSize, PROBE_ROWS), settings.seed, 0));
    this.probeSet = gatherAll(sample(validation, PROBE_ROWS, settings.seed, 1));
  }

  /** null when `between` ended it. */
  async measure(between: Between): Promise<EpochMeasurement | null> {
    const validation = await score(this.model, this.validation, between);
    const ood = this.ood && validation ? await score(this.model, this.ood, between) : null;
    if (!validation || (this.ood && !ood)) return null;
    const partGradNorms = await this.partGradNorms();
    if (!(await between())) return null;
    return { validation, ood, partGradNorms, ...(await this.collapse()) };
  }

  async goldenPair(): Promise<GoldenPair> {
    const { T, D } = this.model.spec;
    const B = Math.min(GOLDEN_ROWS, this.probeSet.B);
    const contexts = this.probeSet.contexts.slice(0, B * T * D);
    return { contexts, raw: (await this.model.predict(contexts, B)).raw, B };
  }

  private async partGradNorms(): Promise<EpochRecord['partGradNorms']> {
    const { contexts, targets, B } = this.probeBatch;
    const { partGradNorms } = await this.model.probe(contexts, targets, B);
    return byTerm((_, k) => figure(partGradNorms[k]));
  }

  private async collapse(): Promise<Pick<EpochMeasurement, 'diversity' | 'effectiveRank'>> {
    const { D } = this.model.spec;
    const { contexts, targets, B } = this.probeSet;
    const ofPredictions = spread(unitRows((await this.model.predict(contexts, B)).raw, D), D);
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
function sample({ source, ids }: Split, rows: number, seed: number, index: number): Split {
  const shuffled = ids.slice();
  stream(seed, 'probe', index).shuffle(shuffled);
  return { source, ids: shuffled.slice(0, rows) };
}
