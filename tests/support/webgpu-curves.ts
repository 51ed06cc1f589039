/** Runs of the training loop on two engines over a cut of the sample, for a test and bench/gpu-curves.ts. */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lambdaOf, type LossConfig } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { Trainer } from '#engine/trainer/index.ts';
import type { Engine, NamedTensors, WindowSource } from '#engine/types.ts';
import { Recorder, SETTINGS } from './training.ts';
import { sampleCut } from './sample-cut.ts';
import { range } from './walks.ts';

const [T, D] = [4, 128];
/** Every model, small. */
export const CURVE_SPECS: readonly GradientSpec[] = [
  { type: 'amn', T, D, dModel: 8, hiddenDim: 16, inputs: 'relative' },
  { type: 'lstm', T, D, hiddenDim: 16, numLayers: 2, dropout: 0.2 },
  { type: 'gru', T, D, dModel: 16, numLayers: 2 },
  { type: 'transformer', T, D, dModel: 16, heads: 2, numLayers: 2, feedForward: 32, dropout: 0.1 },
];

const LOSS: LossConfig = {
  weights: lambdaOf({ mse: 1, info_nce: 0.1, moment: 0.1 }),
  tau: 0.2,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1 / Math.sqrt(D),
};
const [SEED, EPOCHS] = [5, 5];

/** Vectors of the sample cut to `width`. */
export function curveSource(windows: number, width = D): Promise<WindowSource> {
  return sampleCut(windows, T, width);
}

export interface Curves {
  /** By epoch. */
  readonly trainLoss: readonly number[];
  readonly valLoss: readonly number[];
  readonly steps: number;
  readonly parameters: NamedTensors;
}

/** Trains on all but the last tenth of the windows for 5 epochs. */
export async function trainCurves(
  engine: Engine,
  spec: GradientSpec,
  source: WindowSource,
  batchSize: number,
): Promise<Curves> {
  const model = await engine.createModel({
    spec,
    loss: LOSS,
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed: SEED,
    parameters: initialParameters(spec, SEED),
    maxBatch: batchSize,
  });
  const trained = Math.floor(0.9 * source.windows);
  const recorder = new Recorder();
  const finished = await new Trainer({
    model,
    train: { source, ids: range(0, trained) },
    validation: { source, ids: range(trained, source.windows) },
    settings: { ...SETTINGS, epochs: EPOCHS, batchSize, lr: 1e-3, loss: LOSS, seed: SEED },
    baselines: {},
    hooks: recorder,
  }).run();
  const parameters = await model.readParameters();
  model.dispose();
  if (finished.status !== 'finished') throw new Error(finished.reason);
  const epochs = recorder.events.filter((event) => event.type === 'epoch');
  return {
    trainLoss: epochs.map(({ trainLoss }) => trainLoss ?? NaN),
    valLoss: epochs.map(({ valLoss }) => valLoss ?? NaN),
    steps: finished.step,
    parameters,
  };
}

/** Largest relative difference of two curves. */
export function curveDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]) / Math.abs(b[i])));
}
