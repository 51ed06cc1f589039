/**
 * Input and output of a trainer. Declarations only; the loop is `trainer.ts`.
 * B rows of a batch, T context length, D vector width.
 */
import type { LossConfig } from '#shared/domain/models/terms.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { EarlyStopping, Schedule } from '#shared/domain/recipe/recipe.ts';
import type { Baselines, Finished, TrainingEvent } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import type { Split } from '../evaluation/windows.ts';
import type { GramState } from '../gram/state.ts';
import type { NamedTensors, OptimizerState, TrainableModel } from '../types.ts';
import type { Augmentation } from './augment.ts';

export type { Split };

/** The numbers of a recipe that the loop itself needs; AdamW's are in the model already. */
export interface TrainingSettings {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly schedule: Schedule;
  readonly earlyStopping: EarlyStopping;
  readonly loss: LossConfig;
  readonly seed: number;
}

/** Fixed windows and the model's output for them: a loader of the weights checks its forward pass against it. */
export interface GoldenPair {
  /** [B, T, D] */
  readonly contexts: Float32Array<ArrayBuffer>;
  /** [B, D], before normalisation */
  readonly raw: Float32Array;
  readonly B: number;
}

/** A complete snapshot of the run. Not to be modified; `best` and `last` of one epoch share their arrays. */
export type Checkpoint = ModelCheckpoint | FitCheckpoint;

export interface ModelCheckpoint {
  /** `best`: lowest validation loss so far; `last`: end of an epoch, pause, stop, or the interval asked for. */
  readonly kind: 'best' | 'last';
  readonly state: TrainerState;
  readonly parameters: NamedTensors;
  /** null where training cannot resume from here: in a mixture, whose fit has checkpoints of its own. */
  readonly optimizer: OptimizerState | null;
  readonly golden: GoldenPair;
}

/** What the fit of a Gram mixture has found so far; the model is made at its end. */
export interface FitCheckpoint {
  readonly kind: 'last';
  readonly state: TrainerState;
  readonly fit: GramState;
}

export interface TrainerHooks {
  /** Every event, in order. Awaited after an epoch, so a gate may pause or stop the run before the next one starts. */
  onEvent(event: TrainingEvent): void | Promise<void>;
  /** Awaited. Absent: no checkpoints. */
  onCheckpoint?(checkpoint: Checkpoint): void | Promise<void>;
  /** Cosines of a new best epoch over the articles, before its record. */
  onBest?(sums: CosineSums): void;
}

export interface TrainerOptions {
  readonly model: TrainableModel;
  readonly train: Split;
  readonly validation: Split;
  readonly ood?: Split;
  readonly settings: TrainingSettings;
  /** Of the training batches; absent: they are as they are. */
  readonly augmentation?: Augmentation;
  /** Measured once before training (`evaluation/baselines.ts`); repeated in every epoch record. */
  readonly baselines: Baselines;
  /** Of the baselines, over the articles; null until they are measured. Absent: lifts have no intervals. */
  readonly baselineSums?: () => CosineSums | null;
  readonly hooks: TrainerHooks;
  /** Milliseconds between `last` checkpoints inside an epoch; absent: only at epoch ends, pause and stop. */
  readonly checkpointEveryMs?: number;
  /** State to resume from; the model must already hold its parameters and optimiser moments. */
  readonly resumeFrom?: TrainerState;
}

/** The public face of `Trainer` (`trainer.ts`): constructed with `TrainerOptions`, run once. */
export interface TrainerControl {
  /** Trains to the end, a stop or a failure; never rejects for a failure of the run itself (`finished` says so). */
  run(): Promise<Finished>;
  /** Takes effect after the step in progress; a `status: paused` event and a `last` checkpoint follow. */
  pause(): void;
  resume(): void;
  /** Ends after the step in progress, resumable. */
  stop(reason?: string): void;
  /** Ends after this epoch's evaluation, resumable. */
  stopAtEpochEnd(): void;
  exportState(): TrainerState;
}
