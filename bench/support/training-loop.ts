/**
 * The training loop that benchmarks time: a model of the published sizes on synthetic windows in a shared vector store, with the shuffling,
 * sampling, losses and live measurements of a real run. Not the product's trainer: no validation, checkpoints or events.
 */
import { defaultGradientSpec, type GradientType } from '#shared/domain/models/models.ts';
import { TERM_COUNT, lambdaOf, type LossConfig } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { Random } from '#engine/random.ts';
import type { Engine, ModelOptions, SharedVectors, StepStats, TrainableModel, WindowSource } from '#engine/types.ts';

export const T = 5;
export const D = 768;
const VECTORS = 60_000;
const LR = 5e-4;

/** The reference recipe: MSE and InfoNCE with small moment and variance terms; the other two measured only. */
export const LOSS: LossConfig = {
  weights: lambdaOf({ mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3 }),
  tau: 0.07,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1,
};

/** One long random walk of unit vectors, float32, in one shared segment; overlapping windows over it. */
export function syntheticSource(): WindowSource {
  const random = new Random(1);
  const segment = new SharedArrayBuffer(VECTORS * D * 4);
  const vectors = new Float32Array(segment);
  const walk = new Float64Array(D);
  for (let v = 0; v < VECTORS; v++) {
    let norm = 0;
    for (let d = 0; d < D; d++) {
      walk[d] = 0.7 * walk[d] + random.uniform() - 0.5;
      norm += walk[d] ** 2;
    }
    const scale = 1 / Math.sqrt(norm);
    for (let d = 0; d < D; d++) vectors[v * D + d] = walk[d] * scale;
  }
  const windows = VECTORS - T;
  const index = new SharedArrayBuffer(windows * (T + 1) * 4);
  new Uint32Array(index).forEach((_, i, ids) => (ids[i] = Math.floor(i / (T + 1)) + (i % (T + 1))));
  const shared: SharedVectors = { dtype: 'float32', segments: [segment], segmentRows: VECTORS, index };
  const ids = new Uint32Array(index);
  return {
    windows,
    T,
    D,
    shared,
    gather(wanted, contexts, targets) {
      wanted.forEach((w, row) => {
        for (let t = 0; t <= T; t++) {
          const at = ids[w * (T + 1) + t] * D;
          const values = vectors.subarray(at, at + D);
          if (t < T) contexts.set(values, (row * T + t) * D);
          else targets.set(values, row * D);
        }
      });
    },
  };
}

export function benchOptions(batch: number, type: GradientType): ModelOptions {
  const spec = defaultGradientSpec(type, T, D);
  return {
    spec,
    loss: LOSS,
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
    seed: 1,
    parameters: initialParameters(spec, 1),
    maxBatch: batch,
  };
}

export function benchModel(engine: Engine, batch: number, type: GradientType = 'amn'): Promise<TrainableModel> {
  return engine.createModel(benchOptions(batch, type));
}

/** Steps through shuffled epochs for ever, one batch after another. */
export class Loop {
  private readonly model: TrainableModel;
  private readonly source: WindowSource;
  private readonly batch: number;
  private readonly random = new Random(2);
  private order: Uint32Array;
  private at = 0;
  private stepNumber = 0;
  /** What a window would show: every figure of every step. */
  readonly series: number[] = [];

  constructor(model: TrainableModel, source: WindowSource, batch: number) {
    this.model = model;
    this.source = source;
    this.batch = batch;
    this.order = Uint32Array.from({ length: source.windows }, (_, i) => i);
    this.random.shuffle(this.order);
  }

  nextInput(): Parameters<TrainableModel['trainStep']>[0] {
    const { at: from, order } = this;
    this.at += this.batch;
    if (this.at + this.batch > this.order.length) {
      this.at = 0;
      this.order = order.slice();
      this.random.shuffle(this.order);
    }
    // Views, as the trainer gives them.
    const ids = order.subarray(from, from + this.batch);
    const nextIds = this.order.subarray(this.at, this.at + this.batch);
    return { source: this.source, ids, nextIds, lr: LR, step: ++this.stepNumber };
  }

  async step(): Promise<StepStats> {
    const pending = this.model.trainStep(this.nextInput());
    return this.show(pending instanceof Promise ? await pending : pending);
  }

  private show(stats: StepStats): StepStats {
    const norms = stats.gradNorms.reduce((sum, x) => sum + x, 0);
    this.series.push(stats.total, stats.gradNorm, stats.cosine);
    for (let k = 0; k < TERM_COUNT; k++) this.series.push(stats.values[k], stats.gradNorms[k] / norms);
    return stats;
  }

  /** Runs for about `seconds`; rows per second. What each step took, from the end of the one before, goes to `stepMs`. */
  async measure(seconds: number, stepMs: number[] = []): Promise<number> {
    const start = performance.now();
    let steps = 0;
    for (let last = start; last - start < seconds * 1000; steps++) {
      await this.step();
      const now = performance.now();
      stepMs.push(now - last);
      last = now;
    }
    this.series.length = 0;
    return (1000 * steps * this.batch) / (performance.now() - start);
  }

  /**
   * The same with up to `ahead` steps on their way while the oldest is awaited, for engines whose figures come late; ends
   * when all have arrived.
   */
  async measureAhead(seconds: number, ahead: number): Promise<number> {
    const start = performance.now();
    const pending: (StepStats | Promise<StepStats>)[] = [];
    let steps = 0;
    for (; performance.now() - start < seconds * 1000; steps++) {
      pending.push(this.model.trainStep(this.nextInput()));
      if (pending.length > ahead) this.show(await pending.shift()!);
    }
    for (const stats of pending) this.show(await stats);
    this.series.length = 0;
    return (1000 * steps * this.batch) / (performance.now() - start);
  }
}
