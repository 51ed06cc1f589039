/** The record of an epoch of the gates, with the fields of every run's epochs. */
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type Baselines, type EpochRecord, type TermFigures } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { figure } from '../trainer/epoch-sums.ts';
import type { Collapse } from '../trainer/probe-set.ts';
import type { GramEpoch } from './types.ts';

/** A complete model, measured on all windows. */
export interface MixtureMeasurement extends Collapse {
  readonly valCosine: number;
  /** undefined: there is no OOD set. */
  readonly oodCosine: number | undefined;
  readonly intervals: EpochRecord['intervals'];
  readonly nonFiniteRows: number;
}

interface EpochInput {
  readonly state: TrainerState;
  /** Measured on a share of the windows. */
  readonly gates: GramEpoch;
  /** null before the last epoch. */
  readonly measured: MixtureMeasurement | null;
  readonly lr: number;
  readonly D: number;
  readonly hasOod: boolean;
  readonly baselines: Baselines;
}

const NO_SPREAD = { predictions: null, targets: null };

export function epochRecord({ state, gates, measured, lr, D, hasOod, baselines }: EpochInput): EpochRecord {
  const { epoch, step, durationMs, trainMs, rowsTrained } = state;
  const { loss } = gates;
  const valCosine = figure(measured?.valCosine ?? gates.validationCosine);
  const oodCosine = hasOod ? figure(measured?.oodCosine ?? gates.oodCosine) : null;
  return {
    type: 'epoch',
    epoch,
    step,
    trainLoss: figure(1 + loss),
    trainCosine: figure(-loss),
    valLoss: unitMse(valCosine, D),
    valCosine,
    oodLoss: unitMse(oodCosine, D),
    oodCosine,
    lr,
    gradNorm: null,
    rowsPerSecond: trainMs > 0 ? (1000 * rowsTrained) / trainMs : 0,
    durationMs: durationMs / epoch,
    terms: { ...byTerm(() => TERM_NOT_MEASURED), cosine: cosineTerm(loss) },
    partGradNorms: byTerm(() => null),
    diversity: measured?.diversity ?? NO_SPREAD,
    effectiveRank: measured?.effectiveRank ?? NO_SPREAD,
    nonFiniteRows: measured?.nonFiniteRows ?? 0,
    isBest: measured !== null && valCosine !== null,
    baselines,
    intervals: measured?.intervals,
  };
}

/** The gates' loss is minus the cosine. */
function cosineTerm(loss: number): TermFigures {
  return { value: figure(1 + loss), weighted: figure(1 + loss), share: 1, gradShare: 1 };
}

/** Of unit vectors. */
function unitMse(cosine: number | null, D: number): number | null {
  return cosine === null ? null : (2 * (1 - cosine)) / D;
}
