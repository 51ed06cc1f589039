/** A run that is about to train, whichever way its model is trained. */
import type { ExtraPart } from '#engine/gram/types.ts';
import type { TrainerControl, TrainerHooks } from '#engine/trainer/index.ts';
import type { EngineHost, EngineInfo } from '#engine/types.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import type { Dataset } from '../datasets/dataset.ts';
import type { LoadedCheckpoint, LoadedFit } from '../checkpoints/read.ts';
import type { RunData } from './data.ts';
import type { Log } from './log.ts';

export interface OpenedRun {
  readonly engine: EngineInfo;
  readonly trainer: TrainerControl;
  /** From the next step on. Absent: its threads stay. */
  setThreads?(threads: number): void;
  dispose(): Promise<void>;
}

export interface RunContext {
  readonly job: TrainerJob;
  readonly host: EngineHost;
  readonly dataset: Dataset;
  readonly data: RunData;
  /** Trained models that are parts of a Gram mixture. */
  readonly extras: readonly ExtraPart[];
  /** Checkpoint to resume from; null: a new run. */
  readonly checkpoint: LoadedCheckpoint | LoadedFit | null;
  readonly baselines: Baselines;
  /** Their cosines over the articles; null until they are measured. */
  readonly baselineSums: () => CosineSums | null;
  readonly hooks: TrainerHooks;
  readonly log: Log;
}
