/** The record of an epoch with plausible figures, for tests of what is stored and shown. */
import { TERMS } from '#shared/domain/models/terms.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';

function perTerm<T>(value: T) {
  return Object.fromEntries(TERMS.map((term) => [term, value])) as Record<(typeof TERMS)[number], T>;
}

export function epochRecord(epoch: number): EpochRecord {
  const valCosine = 0.5 - 0.3 / epoch;
  return {
    type: 'epoch',
    epoch,
    step: 10 * epoch,
    trainLoss: 0.1,
    trainCosine: valCosine,
    valLoss: 1 - valCosine,
    valCosine,
    oodLoss: null,
    oodCosine: null,
    lr: 5e-4,
    gradNorm: 1,
    rowsPerSecond: 1000,
    durationMs: 320,
    terms: perTerm({ value: 0.1, weighted: 0.1, share: 0, gradNorm: 0.1, gradShare: 0 }),
    partGradNorms: perTerm(0.1),
    diversity: { predictions: 0.5, targets: 0.6 },
    effectiveRank: { predictions: 5, targets: 9 },
    nonFiniteRows: 0,
    isBest: true,
    baselines: {},
  };
}
