/** Figures of each epoch as epoch records; what was not logged is null. */
import type { Imported } from '#shared/contract/runs.ts';
import { byTerm } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED, type EpochRecord } from '#shared/domain/runs/training.ts';
import { numberAt, sizeAt, type PlainDict } from '../../weights/args.ts';
import { isMean, type Figure } from './names.ts';

export interface EpochValues {
  /** 1-based. */
  readonly epoch: number;
  /** Of its last value; 0: not known. */
  step: number;
  /** In the order in which they were logged. */
  readonly values: Map<Figure, number[]>;
}

/** `epochs` ascending; those without a figure are left out. */
export function epochsOf(epochs: readonly EpochValues[]): EpochRecord[] {
  let lowest = Number.POSITIVE_INFINITY;
  return epochs
    .filter(({ values }) => values.size > 0)
    .map((epoch) => {
      const record = recordOf(epoch);
      const { valLoss, valCosine } = record;
      const rank = valLoss ?? (valCosine === null ? null : -valCosine);
      const isBest = rank !== null && rank < lowest;
      if (isBest) lowest = rank;
      return { ...record, isBest };
    });
}

function recordOf({ epoch, step, values }: EpochValues): EpochRecord {
  const figure = (name: Figure): number | null => {
    const list = values.get(name);
    if (list === undefined) return null;
    return isMean(name) ? list.reduce((sum, value) => sum + value, 0) / list.length : list[list.length - 1];
  };
  return {
    type: 'epoch',
    epoch,
    step,
    trainLoss: figure('trainLoss'),
    trainCosine: figure('trainCosine'),
    valLoss: figure('valLoss'),
    valCosine: figure('valCosine'),
    oodLoss: figure('oodLoss'),
    oodCosine: figure('oodCosine'),
    lr: figure('lr'),
    gradNorm: figure('gradNorm'),
    rowsPerSecond: figure('rowsPerSecond'),
    durationMs: figure('durationMs'),
    terms: byTerm((term) => ({ ...TERM_NOT_MEASURED, value: figure(`value/${term}`) })),
    partGradNorms: byTerm(() => null),
    diversity: { predictions: figure('diversity'), targets: null },
    effectiveRank: { predictions: figure('effectiveRank'), targets: null },
    nonFiniteRows: 0,
    isBest: false,
    baselines: {},
  };
}

/** The best epoch and its validation cosine, as the file states them beside its history, else as the history has them. */
export function statedFigures(rest: PlainDict, epochs: readonly EpochRecord[]): Imported['stated'] {
  const best = epochs.findLast((record) => record.isBest);
  const epoch = sizeAt(rest, 'epoch', 'best_epoch') ?? best?.epoch ?? null;
  const at = epochs.find((record) => record.epoch === epoch) ?? best;
  const valCosine = numberAt(rest, 'val_cosine', 'best_val_cosine', 'val_cos') ?? at?.valCosine ?? null;
  return { epoch, valCosine };
}
