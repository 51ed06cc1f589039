/**
 * A trainable model on any tfjs backend. Tensors live between calls only in `slots`; everything else is tidied within
 * the call that made it. B batch, T context length, D width.
 */
import * as tf from '@tensorflow/tfjs-core';
import { modelRow, type GradientSpec } from '#shared/domain/models/models.ts';
import { elementCount, parameterShapes } from '#shared/domain/models/shapes.ts';
import { TERMS, TERM_COUNT, byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { stream } from '../random.ts';
import type {
  LossProbe,
  ModelOptions,
  NamedTensors,
  OptimizerState,
  Prediction,
  StepStats,
  TrainableModel,
  TrainStepInput,
} from '../types.ts';
import { adamwUpdate, clipFactor, globalNorm, type Slot } from './adamw.ts';
import { activate, type TfjsName } from './backend.ts';
import { customGradient } from './custom-gradient.ts';
import { noDropout, type Dropout } from './layers.ts';
import { lossInputs, losses, vectorOf, type Losses } from './losses.ts';
import { forward } from './models/index.ts';

/** Rows of one evaluation forward. */
const PREDICT_ROWS = 256;

/** Everything one gradient pass measured; tensors belong to the caller. */
type GradientPass = {
  /** In the order of the trained parameters. */
  readonly gradients: tf.Tensor[];
  readonly gradNorm: tf.Scalar;
  /** [total, cosine, gradNorm, then value of each term, then gradient norm of each term] */
  readonly figures: tf.Tensor1D;
};

export class TfjsModel implements TrainableModel {
  readonly spec: GradientSpec;
  private readonly backend: TfjsName;
  private readonly options: ModelOptions;
  private readonly slots = new Map<string, Slot>();
  /** Names of the slots that are trained, in order. */
  private readonly trained: readonly string[];
  private loss: LossConfig;
  private step = 0;
  private contexts: Float32Array<ArrayBuffer>;
  private targets: Float32Array<ArrayBuffer>;

  constructor(backend: TfjsName, options: ModelOptions) {
    this.backend = backend;
    this.options = options;
    this.spec = options.spec;
    this.loss = options.loss;
    const { T, D } = options.spec;
    this.contexts = new Float32Array(options.maxBatch * T * D);
    this.targets = new Float32Array(options.maxBatch * D);
    activate(backend);
    const shapes = parameterShapes(options.spec);
    this.trained = shapes.filter(({ isConstant }) => !isConstant).map(({ name }) => name);
    for (const { name, shape } of shapes) {
      const parameter = tf.tensor(valuesOf(options.parameters, name, shape), shape.slice());
      this.slots.set(name, { parameter, m: tf.zeros(shape.slice()), v: tf.zeros(shape.slice()) });
    }
  }

  async trainStep({ source, ids, lr, step }: TrainStepInput): Promise<StepStats> {
    const { T, D } = this.spec;
    const B = ids.length;
    this.reserve(B);
    const contexts = this.contexts.subarray(0, B * T * D);
    const targets = this.targets.subarray(0, B * D);
    source.gather(ids, contexts, targets);
    activate(this.backend);
    const pass = this.gradientPass(contexts, targets, B, this.loss, this.dropoutOf(step));
    const factor = tf.tidy(() => clipFactor(pass.gradNorm, this.options.optimizer.clip));
    this.trained.forEach((name, i) =>
      adamwUpdate(this.options.optimizer, this.slot(name), pass.gradients[i], { factor, lr, step }),
    );
    this.step = step;
    tf.dispose([factor, pass.gradNorm]);
    const figures = await take(pass.figures);
    return {
      total: figures[0],
      cosine: figures[1],
      gradNorm: figures[2],
      values: Float64Array.from(figures.subarray(3, 3 + TERM_COUNT)),
      gradNorms: Float64Array.from(figures.subarray(3 + TERM_COUNT)),
    };
  }

  async predict(contexts: Float32Array, B: number): Promise<Prediction> {
    const { T, D } = this.spec;
    const raw = new Float32Array(B * D);
    const attention = modelRow(this.spec.type).attention === 'none' ? undefined : new Float32Array(B * T);
    for (let start = 0; start < B; start += PREDICT_ROWS) {
      const rows = Math.min(PREDICT_ROWS, B - start);
      activate(this.backend);
      const out = tf.tidy(() => {
        const x = tf.tensor3d(contexts.subarray(start * T * D, (start + rows) * T * D), [rows, T, D]);
        return forward(this.spec, (name) => this.slot(name).parameter, x, noDropout);
      });
      raw.set(await take(out.raw), start * D);
      if (attention && out.attention) attention.set(await take(out.attention), start * T);
    }
    return attention ? { raw, attention } : { raw };
  }

  async probe(contexts: Float32Array, targets: Float32Array, B: number): Promise<LossProbe> {
    activate(this.backend);
    const pass = this.gradientPass(contexts, targets, B, this.loss, noDropout);
    pass.gradNorm.dispose();
    const figures = await take(pass.figures);
    const gradients: NamedTensors = new Map();
    for (const [name, { parameter }] of this.slots) {
      const i = this.trained.indexOf(name);
      gradients.set(name, i < 0 ? new Float32Array(parameter.size) : (await take(pass.gradients[i])).slice());
    }
    return {
      total: figures[0],
      gradNorm: figures[2],
      values: Float64Array.from(figures.subarray(3, 3 + TERM_COUNT)),
      gradNorms: Float64Array.from(figures.subarray(3 + TERM_COUNT)),
      partGradNorms: await this.partGradNorms(contexts, targets, B),
      gradients,
    };
  }

  async readParameters(): Promise<NamedTensors> {
    return this.read('parameter');
  }

  writeParameters(parameters: NamedTensors): void {
    this.write('parameter', parameters);
  }

  async readOptimizer(): Promise<OptimizerState> {
    return { step: this.step, m: await this.read('m'), v: await this.read('v') };
  }

  writeOptimizer(state: OptimizerState): void {
    this.write('m', state.m);
    this.write('v', state.v);
    this.step = state.step;
  }

  setLoss(loss: LossConfig): void {
    this.loss = loss;
  }

  dispose(): void {
    for (const slot of this.slots.values()) tf.dispose([slot.parameter, slot.m, slot.v]);
    this.slots.clear();
  }

  /** Forward, losses, backward; contexts [B, T, D], targets [B, D]. */
  private gradientPass(
    contexts: Float32Array,
    targets: Float32Array,
    B: number,
    loss: LossConfig,
    dropout: Dropout,
  ): GradientPass {
    const { T, D } = this.spec;
    const names = this.trained;
    return tf.tidy(() => {
      const x = tf.tensor3d(contexts, [B, T, D]);
      const inputs = lossInputs(x, tf.tensor2d(targets, [B, D]));
      const measured: Losses[] = [];
      // Autodiff takes over below raw; above it the losses hand down the gradient they wrote out themselves.
      const total = customGradient((raw: tf.Tensor2D) => {
        const result = losses(loss, raw, inputs);
        for (const tensor of Object.values(result)) tf.keep(tensor);
        measured.push(result);
        return {
          value: result.total.clone(),
          saved: [result.dRaw],
          gradient: (dy, [dRaw]) => [tf.mul(dRaw, dy)],
        };
      });
      const gradientsOf = tf.grads((...parameters: tf.Tensor[]) => {
        const byName = new Map(names.map((name, i) => [name, parameters[i]]));
        return total(forward(this.spec, (name) => byName.get(name) ?? this.slot(name).parameter, x, dropout).raw);
      });
      const gradients = gradientsOf(names.map((name) => this.slot(name).parameter));
      const gradNorm = globalNorm(gradients);
      const [result] = measured;
      const scalars = vectorOf([result.total, result.cosine, gradNorm]);
      const figures = tf.concat([scalars, result.values, result.gradNorms]);
      tf.dispose(Object.values(result));
      return { gradients, gradNorm, figures };
    });
  }

  /** Gradient norm over all parameters of each term alone at λ = 1. */
  private async partGradNorms(contexts: Float32Array, targets: Float32Array, B: number): Promise<Float64Array> {
    const norms = new Float64Array(TERM_COUNT);
    for (const [k, term] of TERMS.entries()) {
      const weights = byTerm((other) => (other === term ? 1 : 0));
      activate(this.backend);
      const pass = this.gradientPass(contexts, targets, B, { ...this.loss, weights }, noDropout);
      tf.dispose([pass.gradients, pass.gradNorm]);
      const figures = await take(pass.figures);
      norms[k] = Number.isNaN(figures[3 + k]) ? NaN : figures[2];
    }
    return norms;
  }

  /** Masks of one training step: uniform draws below p are dropped, in forward order. */
  private dropoutOf(step: number): Dropout {
    const random = stream(this.options.seed, 'dropout', step);
    return (x, p) => {
      if (p === 0) return x;
      const mask = new Float32Array(x.size);
      const scale = 1 / (1 - p);
      for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < p ? 0 : scale;
      return tf.mul(x, tf.tensor(mask, x.shape));
    };
  }

  private slot(name: string): Slot {
    return this.slots.get(name) as Slot;
  }

  private reserve(B: number): void {
    const { T, D } = this.spec;
    if (this.targets.length >= B * D) return;
    this.contexts = new Float32Array(B * T * D);
    this.targets = new Float32Array(B * D);
  }

  private async read(part: keyof Slot): Promise<NamedTensors> {
    const out: NamedTensors = new Map();
    for (const [name, slot] of this.slots) out.set(name, (await slot[part].data<'float32'>()).slice());
    return out;
  }

  private write(part: keyof Slot, values: NamedTensors): void {
    activate(this.backend);
    for (const [name, slot] of this.slots) {
      const shape = slot[part].shape;
      const next = tf.tensor(valuesOf(values, name, shape), shape);
      slot[part].dispose();
      slot[part] = next;
    }
  }
}

/** A copy of one named tensor (backends may keep what they are given), or an error that says which one does not fit. */
function valuesOf(tensors: NamedTensors, name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const values = tensors.get(name);
  const elements = elementCount(shape);
  if (values?.length !== elements) {
    throw new Error(
      `Parameter ${name}: expected ${elements} values (shape [${shape.join(', ')}]), got ${values?.length ?? 'none'}. ` +
        'The weights belong to another model or size.',
    );
  }
  return Float32Array.from(values);
}

/** Reads a tensor and disposes of it. */
async function take(tensor: tf.Tensor): Promise<Float32Array> {
  const values = await tensor.data<'float32'>();
  tensor.dispose();
  return values;
}
