/** A small AMN run, for tests of the loop: on the tfjs cpu engine, or on simd where the engine is not the point. */
import { lambdaOf, type LossConfig } from '#shared/domain/models/terms.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { Best, EpochRecord, StepBlock, TrainingEvent } from '#shared/domain/runs/training.ts';
import { initialParameters } from '#engine/init.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { createTfjsEngine } from '#engine/tfjs/index.ts';
import type { ModelOptions, TrainableModel, WindowSource } from '#engine/types.ts';
import type { Checkpoint, TrainerOptions, TrainingSettings } from '#engine/trainer/index.ts';
import { testHost } from './host.ts';
import { simdHost } from './simd-host.ts';
import { range, walks } from './walks.ts';

export const T = 4;
export const D = 12;
export const SEED = 42;
export const AMN: GradientSpec = { type: 'amn', T, D, dModel: 6, hiddenDim: 8 };
export const LSTM: GradientSpec = { type: 'lstm', T, D, hiddenDim: 8, numLayers: 2, dropout: 0.3 };
export const SOURCE: WindowSource = walks(140, T, D);

export const LOSS: LossConfig = {
  weights: lambdaOf({ mse: 1, info_nce: 0.05, moment: 0.01, directional: 0.1 }),
  tau: 0.2,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1 / Math.sqrt(D),
};

export const SETTINGS: TrainingSettings = {
  epochs: 3,
  batchSize: 16,
  lr: 5e-3,
  schedule: { kind: 'plateau', factor: 0.5, patience: 3, threshold: 1e-4 },
  earlyStopping: { on: 'off', patience: 5, minGain: 0 },
  loss: LOSS,
  seed: SEED,
};

const modelOptions = (spec: GradientSpec): ModelOptions => ({
  spec,
  loss: LOSS,
  optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
  seed: SEED,
  parameters: initialParameters(spec, SEED),
  maxBatch: 16,
});

export async function smallModel(spec: GradientSpec = AMN): Promise<TrainableModel> {
  const engine = await createTfjsEngine('cpu', testHost);
  return engine.createModel(modelOptions(spec));
}

/** The same on simd, whose steps take a hundredth of the time. */
export async function smallSimdModel(spec: GradientSpec = AMN): Promise<TrainableModel> {
  const engine = await createSimdEngine({ host: await simdHost(), threads: 1 });
  return engine.createModel(modelOptions(spec));
}

/** Records the events of a run. */
export class Recorder {
  readonly events: TrainingEvent[] = [];
  readonly checkpoints: Checkpoint[] = [];
  onEvent = (event: TrainingEvent): void => void this.events.push(event);
  onCheckpoint = (checkpoint: Checkpoint): void => void this.checkpoints.push(checkpoint);

  get epochs(): EpochRecord[] {
    return this.events.filter((event) => event.type === 'epoch');
  }

  get blocks(): StepBlock[] {
    return this.events.filter((event) => event.type === 'steps');
  }

  /** One column over all blocks. */
  column(name: keyof StepBlock['columns']): number[] {
    return this.blocks.flatMap((block) => Array.from(block.columns[name]));
  }

  get best(): Best | null {
    const finished = this.events.find((event) => event.type === 'finished');
    return finished ? finished.best : null;
  }
}

/** 100 training windows (seven batches of 16, the last of 4), 24 validation, 16 OOD. */
export function smallRun(
  model: TrainableModel,
  recorder: Recorder,
  changes: Partial<TrainerOptions> = {},
): TrainerOptions {
  return {
    model,
    train: { source: SOURCE, ids: range(0, 100) },
    validation: { source: SOURCE, ids: range(100, 124) },
    ood: { source: SOURCE, ids: range(124, 140) },
    settings: SETTINGS,
    baselines: {},
    hooks: recorder,
    ...changes,
  };
}
