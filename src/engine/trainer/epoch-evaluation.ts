/**
 * What is measured at the end of an epoch: validation and OOD scores, part-gradient norms on a fixed probe batch,
 * diversity and effective rank on a fixed probe set. The same windows every epoch, drawn from the run's seed.
 */
import { byTerm } from '#shared/domain/models/terms.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import { score, type Between, type Score } from '../evaluation/score.ts';
import { gatherAll } from '../evaluation/windows.ts';
import type { TrainableModel } from '../types.ts';
import { figure } from './epoch-sums.ts';
import { PROBE_ROWS, ProbeSet, sample, type Collapse } from './probe-set.ts';
import type { GoldenPair, Split, TrainerOptions } from './types.ts';

export interface EpochMeasurement extends Collapse {
  readonly validation: Score;
  readonly ood: Score | null;
  readonly partGradNorms: EpochRecord['partGradNorms'];
}

export class EpochEvaluation {
  private readonly model: TrainableModel;
  private readonly validation: Split;
  private readonly ood: Split | undefined;
  private readonly probeBatch: ReturnType<typeof gatherAll>;
  private readonly probeSet: ProbeSet;

  constructor({ model, train, validation, ood, settings }: TrainerOptions) {
    this.model = model;
    this.validation = validation;
    this.ood = ood;
    this.probeBatch = gatherAll(sample(train, Math.min(settings.batchSize, PROBE_ROWS), settings.seed, 0));
    this.probeSet = new ProbeSet(validation, settings.seed);
  }

  /** null when `between` ended it. */
  async measure(between: Between): Promise<EpochMeasurement | null> {
    const validation = await score(this.model, this.validation, between);
    const ood = this.ood && validation ? await score(this.model, this.ood, between) : null;
    if (!validation || (this.ood && !ood)) return null;
    const partGradNorms = await this.partGradNorms();
    if (!(await between())) return null;
    return { validation, ood, partGradNorms, ...(await this.probeSet.collapse(this.model)) };
  }

  goldenPair(): Promise<GoldenPair> {
    return this.probeSet.goldenPair(this.model);
  }

  private async partGradNorms(): Promise<EpochRecord['partGradNorms']> {
    const { contexts, targets, B } = this.probeBatch;
    const { partGradNorms } = await this.model.probe(contexts, targets, B);
    return byTerm((_, k) => figure(partGradNorms[k]));
  }
}
