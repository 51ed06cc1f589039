/** The record of an epoch: what was summed while it trained, and what was measured after it. */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import type { Baselines, EpochRecord } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import type { EpochMeasurement } from './epoch-evaluation.ts';
import { figure, termTable } from './epoch-sums.ts';

interface EpochInput {
  readonly state: TrainerState;
  readonly measured: EpochMeasurement;
  readonly isBest: boolean;
  readonly intervals: EpochRecord['intervals'];
  readonly loss: LossConfig;
  /** Of the epoch's last step. */
  readonly lr: number;
  readonly baselines: Baselines;
}

export function epochRecord({ state, measured, isBest, intervals, loss, lr, baselines }: EpochInput): EpochRecord {
  const { epoch, step, sums } = state;
  const { validation, ood } = measured;
  return {
    type: 'epoch',
    epoch,
    step,
    trainLoss: figure(sums.total / sums.rows),
    trainCosine: figure(sums.cosine / sums.rows),
    valLoss: figure(validation.unitMse),
    valCosine: figure(validation.cosine),
    oodLoss: ood ? figure(ood.unitMse) : null,
    oodCosine: ood ? figure(ood.cosine) : null,
    lr,
    gradNorm: figure(sums.gradNorm / sums.rows),
    rowsPerSecond: sums.trainMs > 0 ? (1000 * sums.rows) / sums.trainMs : 0,
    durationMs: sums.trainMs + sums.evaluationMs,
    terms: termTable(loss, sums),
    partGradNorms: measured.partGradNorms,
    diversity: measured.diversity,
    effectiveRank: measured.effectiveRank,
    nonFiniteRows: validation.nonFiniteRows + (ood?.nonFiniteRows ?? 0),
    isBest,
    baselines,
    intervals,
  };
}
