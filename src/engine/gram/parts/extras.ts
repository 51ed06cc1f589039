/**
 * Trained models (AMN to Transformer) as further parts of a mixture. A model predicts the windows it was trained on too
 * well, so the gates learn from models trained anew, by the same recipe, without the articles of the held-out cluster. The
 * mixture itself uses the model as it is. T context length, D width.
 */
import { extraPrefix, type GramSpec } from '#shared/domain/models/gram.ts';
import { MODEL_LABELS, type GradientSpec } from '#shared/domain/models/models.ts';
import { byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { lossConfig, optimizerConfig } from '#shared/domain/recipe/recipe.ts';
import type { TrainingEvent } from '#shared/domain/runs/training.ts';
import { unitRows } from '../../evaluation/vectors.ts';
import { openSimdModel } from '../../simd/index.ts';
import type { SimdModel } from '../../simd/model.ts';
import type { SimdRuntime } from '../../simd/runtime/runtime.ts';
import { startParameters } from '../../start.ts';
import { Trainer } from '../../trainer/trainer.ts';
import type { NamedTensors, WindowSource } from '../../types.ts';
import { pieceOf, type Progress } from '../fit.ts';
import type { ExtraPrediction } from './parts.ts';
import type { ExtraPart, GramData } from '../types.ts';

/** What a model is trained anew on. */
interface ExtraWindows {
  readonly source: WindowSource;
  readonly train: Uint32Array;
  /** Choose its epoch and its learning rates, as in the run it is from. */
  readonly validation: Uint32Array;
  /** Article of each window of the source. */
  readonly articleOf: ArrayLike<number>;
}

export interface ExtraModel {
  readonly predict: ExtraPrediction;
  dispose(): void;
}

const INFERENCE_BATCH = 256;
/** A model that only predicts needs some loss. */
const NO_LOSS: LossConfig = {
  weights: byTerm(() => 0),
  tau: 1,
  marginDirectional: 0,
  marginAntiCopy: 0,
  varianceTarget: 1,
};

function asPart(model: SimdModel): ExtraModel {
  const { D } = model.spec;
  return {
    async predict(contexts, count) {
      return unitRows((await model.predict(contexts, count)).raw, D);
    },
    dispose: () => model.dispose(),
  };
}

/** The trained model. */
async function openExtra(runtime: SimdRuntime, spec: GradientSpec, parameters: NamedTensors): Promise<ExtraModel> {
  const optimizer = optimizerConfig({ weightDecay: 0, clip: 0 });
  const options = { spec, parameters, optimizer, loss: NO_LOSS, seed: 0, maxBatch: INFERENCE_BATCH };
  return asPart(await openSimdModel(runtime, options));
}

/** The models among the parts of a mixture, from its tensors. */
export function openExtras(
  runtime: SimdRuntime,
  spec: GramSpec,
  tensors: readonly NamedTensors[],
): Promise<ExtraModel[]> {
  return Promise.all(spec.extras.map((extra, i) => openExtra(runtime, extra, tensors[i])));
}

/** The tensors of each model among the parts, by the names they have in the model. */
export function extraTensors({ extras }: GramSpec, tensors: NamedTensors): NamedTensors[] {
  return extras.map((_, i) => {
    const prefix = extraPrefix(i);
    const own = [...tensors].filter(([name]) => name.startsWith(prefix));
    return new Map(own.map(([name, data]) => [name.slice(prefix.length), data]));
  });
}

/** The same model trained from the start, on `windows.train` alone. `progress` may throw to stop. */
async function trainExtra(
  runtime: SimdRuntime,
  { spec, recipe }: ExtraPart,
  windows: ExtraWindows,
  progress: Progress,
): Promise<ExtraModel> {
  const { source, train: ids, validation, articleOf } = windows;
  const { epochs, batchSize, lr, schedule, earlyStopping, seed, start, augment } = recipe;
  const train = { source, ids };
  const loss = lossConfig(recipe, spec.D);
  const parameters = startParameters(start, spec, seed, train);
  const optimizer = optimizerConfig(recipe);
  const model = await openSimdModel(runtime, { spec, loss, optimizer, seed, parameters, maxBatch: batchSize });
  const follower = new Follower(model, epochs, progress);
  const trainer = new Trainer({
    model,
    train,
    validation: { source, ids: validation },
    settings: { epochs, batchSize, lr, schedule, earlyStopping, loss, seed },
    augmentation: augment.isometry > 0 ? { isometry: augment.isometry, articleOf } : undefined,
    baselines: {},
    hooks: { onEvent: (event) => follower.see(event, () => trainer.stop()) },
  });
  const { status, reason } = await trainer.run();
  if (status === 'finished' && follower.best) {
    model.writeParameters(follower.best);
    return asPart(model);
  }
  model.dispose();
  throw follower.error ?? new Error(`Gram mixture: its part ${MODEL_LABELS[spec.type]}, trained anew: ${reason}`);
}

/** Keeps the parameters of the best epoch, and stops the training where the progress of the fit throws. */
class Follower {
  best: NamedTensors | undefined;
  error: unknown;
  private readonly model: SimdModel;
  private readonly epochs: number;
  private readonly progress: Progress;

  constructor(model: SimdModel, epochs: number, progress: Progress) {
    this.model = model;
    this.epochs = epochs;
    this.progress = progress;
  }

  async see(event: TrainingEvent, stop: () => void): Promise<void> {
    if (event.type === 'epoch' && event.isBest) this.best = this.model.readParameters();
    if (event.type !== 'steps' || this.error !== undefined) return;
    try {
      await this.progress((event.epoch - 1 + event.rowsDone / event.rowsInEpoch) / this.epochs);
    } catch (error) {
      this.error = error;
      stop();
    }
  }
}

/** The models of one fold at a time. */
export class FoldExtras {
  readonly parts: readonly ExtraPart[];
  private readonly runtime: SimdRuntime;
  private readonly data: GramData;
  private readonly models: ExtraModel[] = [];

  constructor(runtime: SimdRuntime, data: GramData) {
    this.runtime = runtime;
    this.data = data;
    this.parts = data.extras ?? [];
  }

  get specs(): GradientSpec[] {
    return this.parts.map(({ spec }) => spec);
  }

  get predictions(): ExtraPrediction[] {
    return this.parts.map((_, i) => (contexts, count) => this.models[i].predict(contexts, count));
  }

  /** The models as they are. */
  async openAll(): Promise<void> {
    this.dispose();
    for (const { spec, parameters } of this.parts) this.models.push(await openExtra(this.runtime, spec, parameters));
  }

  /** The models trained anew on the windows `train`. */
  async trainAll(train: Uint32Array, progress: Progress): Promise<void> {
    this.dispose();
    const { source, validation } = this.data;
    const windows = { source, train, validation, articleOf: articlesById(this.data) };
    for (const [i, part] of this.parts.entries()) {
      this.models.push(await trainExtra(this.runtime, part, windows, pieceOf(progress, i, this.parts.length)));
    }
  }

  dispose(): void {
    for (const model of this.models.splice(0)) model.dispose();
  }
}

/** Article of each training window of the source, at its id. */
function articlesById({ source, train, articles }: GramData): Uint32Array {
  const byId = new Uint32Array(source.windows);
  train.forEach((id, place) => (byId[id] = articles[place]));
  return byId;
}
