/**
 * What a training run says while it runs: `started`, blocks of steps, epochs, status changes, `finished`. Declarations
 * only; the loop is `engine/trainer`. Names are those of the command line's JSON. A number that was not measured, or that
 * is undefined (moment at B = 1), is null, never 0.
 */
import { z } from 'zod';
import { IntervalSchema } from '../evaluation/interval.ts';
import { TERMS, byTerm, type Term } from '../models/terms.ts';
import { recordOf } from '../records.ts';
import { GATE_METRICS } from '../recipe/recipe.ts';

const count = z.int().min(0);
const figure = z.number().nullable();

/** Predictors without a model that every run is compared with. */
export const BASELINES = ['contextMean', 'lastVector', 'weightedMean', 'ridge', 'pooledRidge', 'shuffled'] as const;
export type BaselineName = (typeof BASELINES)[number];

export const BASELINE_LABELS: Readonly<Record<BaselineName, string>> = {
  contextMean: 'Mean of context',
  lastVector: 'Last vector',
  weightedMean: 'Weighted mean',
  ridge: 'Ridge',
  pooledRidge: 'Pooled ridge',
  shuffled: 'Shuffled targets',
};

/** Mean cosine of a baseline to the targets. */
const BaselineFiguresSchema = z.object({ valCosine: figure, oodCosine: figure });
/** Only what was measured is present. */
export const BaselinesSchema = z.partialRecord(z.enum(BASELINES), BaselineFiguresSchema);
export type Baselines = z.infer<typeof BaselinesSchema>;

/** 95 % intervals of an epoch's figures, by metric; null: not measured. */
export const MetricIntervalsSchema = z.partialRecord(z.enum(GATE_METRICS), IntervalSchema.nullable());
export type MetricIntervals = z.infer<typeof MetricIntervalsSchema>;

/** One term over an epoch or a step. */
export const TermFiguresSchema = z.object({
  /** Unweighted value. */
  value: figure,
  /** λ · value. */
  weighted: figure,
  /** λ · value as a share of Σ |λ_k · value_k|, 0..1. */
  share: figure,
  /** ‖λ · ∂term/∂raw‖ as a share of the sum of those norms, 0..1. */
  gradShare: figure,
});
export type TermFigures = z.infer<typeof TermFiguresSchema>;

/** A term that was not measured, e.g. in a run of a version that did not have it. */
export const TERM_NOT_MEASURED: TermFigures = { value: null, weighted: null, share: null, gradShare: null };

/** An entry for each term. Absent terms read as not measured; entries of terms this version does not know are kept. */
export const TermTableSchema = z
  .object(byTerm(() => TermFiguresSchema.default(TERM_NOT_MEASURED)))
  .catchall(TermFiguresSchema);
export type TermTable = Readonly<Record<Term, TermFigures>>;
const TermNormsSchema = z.object(byTerm(() => figure.default(null))).catchall(figure);

/** The series one step adds a value to, in the order they are stored in. */
export const STEP_COLUMNS = [
  'total',
  'cosine',
  'gradNorm',
  'lr',
  ...TERMS.map((term) => `value/${term}` as const),
  ...TERMS.map((term) => `share/${term}` as const),
  ...TERMS.map((term) => `gradShare/${term}` as const),
] as const;
export type StepColumn = (typeof STEP_COLUMNS)[number];

/** Consecutive optimiser steps of one epoch, columnar; step i of the block is `firstStep + i`. Undefined values are NaN. */
export interface StepBlock {
  readonly type: 'steps';
  readonly epoch: number;
  /** 1-based optimiser step of the first row. */
  readonly firstStep: number;
  readonly count: number;
  /** Each column has `count` values. */
  readonly columns: Readonly<Record<StepColumn, Float32Array<ArrayBuffer>>>;
  /** Rows trained on per second over the last second or so. */
  readonly rowsPerSecond: number;
  /** Rows of this epoch already trained on, and how many it has. */
  readonly rowsDone: number;
  readonly rowsInEpoch: number;
}

const float32Column = z.custom<Float32Array<ArrayBuffer>>((value) => value instanceof Float32Array, 'a Float32Array');
export const StepBlockSchema = z.object({
  type: z.literal('steps'),
  epoch: count,
  firstStep: count,
  count,
  columns: z.object(recordOf(STEP_COLUMNS, () => float32Column)),
  rowsPerSecond: z.number(),
  rowsDone: count,
  rowsInEpoch: count,
});

export const StartedSchema = z.object({
  type: z.literal('started'),
  parameters: count,
  trainRows: count,
  valRows: count,
  oodRows: count,
  epochs: count,
  stepsPerEpoch: count,
  /** Where a resumed run goes on; 1 and 0 for a new one. */
  epoch: count,
  step: count,
});
export type Started = z.infer<typeof StartedSchema>;

/** A figure of the predictions beside the same figure of the targets. */
const besideTargets = z.object({ predictions: figure, targets: figure });

export const EpochRecordSchema = z.object({
  type: z.literal('epoch'),
  /** 1-based. */
  epoch: count,
  /** Optimiser steps taken since the start of the run. */
  step: count,
  /** Mean total over the epoch's rows, training mode. */
  trainLoss: figure,
  trainCosine: figure,
  /** MSE of the unit prediction: 2(1 − cosine)/D for unit targets. Not on one axis with trainLoss. */
  valLoss: figure,
  valCosine: figure,
  oodLoss: figure,
  oodCosine: figure,
  /** Learning rate this epoch was trained at. */
  lr: figure,
  /** Mean over the epoch of the gradient's global norm before clipping. */
  gradNorm: figure,
  rowsPerSecond: figure,
  /** Training and evaluation, without pauses. */
  durationMs: figure,
  /** Means over the epoch's steps, weighted by rows. */
  terms: TermTableSchema,
  /** Gradient norm over all parameters of each unweighted term on the fixed probe batch. */
  partGradNorms: TermNormsSchema,
  /** 1 − mean pairwise cosine on the fixed probe set. */
  diversity: besideTargets,
  /** exp(entropy) of the covariance eigenvalues on the fixed probe set. */
  effectiveRank: besideTargets,
  /** Rows whose prediction was not finite; any above 0 ends the run. */
  nonFiniteRows: count,
  /** Lowest validation loss so far. */
  isBest: z.boolean(),
  baselines: BaselinesSchema,
  /** Absent from records of earlier versions and of imported runs. */
  intervals: MetricIntervalsSchema.optional(),
});
export type EpochRecord = z.infer<typeof EpochRecordSchema>;

export const StatusChangeSchema = z.object({
  type: z.literal('status'),
  status: z.enum(['running', 'evaluating', 'pausing', 'paused', 'stopping']),
  epoch: count,
  step: count,
});
export type StatusChange = z.infer<typeof StatusChangeSchema>;

/** Where the fit of a Gram mixture is before its gates are trained. */
export const StageSchema = z.object({
  type: z.literal('stage'),
  /** For people, e.g. "ridges". */
  name: z.string(),
  /** 0-based, of `count` stages. */
  index: count,
  count,
  /** Of this stage, 0..1. */
  fraction: z.number(),
});
export type Stage = z.infer<typeof StageSchema>;

export const BestSchema = z.object({
  epoch: count,
  step: count,
  valLoss: z.number(),
  valCosine: z.number(),
  oodCosine: figure,
  intervals: MetricIntervalsSchema.optional(),
});
export type Best = z.infer<typeof BestSchema>;

export const FinishedSchema = z.object({
  type: z.literal('finished'),
  /**
   * `finished`: all epochs; `stopped`: on request; `failed`: NaN/Inf or an error; `interrupted`: the engine stopped working,
   * and the run can go on from its last checkpoint. `reason` says which.
   */
  status: z.enum(['finished', 'stopped', 'failed', 'interrupted']),
  reason: z.string(),
  best: BestSchema.nullable(),
  epoch: count,
  step: count,
  /** Training and evaluation, without pauses, over all sessions of the run. */
  durationMs: z.number(),
  rowsPerSecond: z.number(),
});
export type Finished = z.infer<typeof FinishedSchema>;

/** Everything a trainer says, in the order it happens. */
export const TrainingEventSchema = z.discriminatedUnion('type', [
  StartedSchema,
  StepBlockSchema,
  EpochRecordSchema,
  StatusChangeSchema,
  StageSchema,
  FinishedSchema,
]);
export type TrainingEvent = Started | StepBlock | EpochRecord | StatusChange | Stage | Finished;

export const CHECKPOINT_KINDS = ['best', 'last', 'kept'] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

/** A written checkpoint, as the history refers to it. */
export const StoredCheckpointSchema = z.object({
  /** Name of its folder below the run's. */
  folder: z.string(),
  kind: z.enum(CHECKPOINT_KINDS),
  epoch: z.int(),
  step: z.int(),
  /** null: in the middle of an epoch. */
  valCosine: z.number().nullable(),
  bytes: z.number(),
  /** SHA-256 of the weights file. */
  sha256: z.string(),
});
export type StoredCheckpoint = z.infer<typeof StoredCheckpointSchema>;
