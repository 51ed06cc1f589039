/**
 * A model on the webgpu engine: batches in, programs run, numbers out. What a step computes is in models/ and losses/. A
 * training step is submitted at once; its figures follow when the device has computed them.
 */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { TERMS, TERM_COUNT, byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import { infoNceModeOf, type InfoNceMode } from '../losses/info-nce.ts';
import type { LossResults } from '../losses/terms.ts';
import type {
  LossProbe,
  ModelOptions,
  NamedTensors,
  OptimizerState,
  Prediction,
  SharedVectors,
  StepStats,
  TrainableModel,
  TrainStepInput,
  WindowSource,
} from '../types.ts';
import type { Gpu } from './device/device.ts';
import type { Pipelines } from './kernel.ts';
import type { Tensor } from './device/memory.ts';
import { ModelPlan } from './plan.ts';
import { encode, type Program } from './program.ts';
import { Readback, readTensors, type Values } from './device/readback.ts';
import { Uniforms } from './uniforms.ts';
import { ResidentVectors } from './vectors.ts';

/** Enough that the device never waits for the next step. */
const STEPS_AHEAD = 4;

/** A data set in device memory; null: it does not fit, and its batches are uploaded. */
interface Binding {
  readonly shared: SharedVectors;
  readonly vectors: ResidentVectors | null;
  readonly gather: Program | null;
}

export class WebgpuModel implements TrainableModel {
  readonly spec: GradientSpec;
  readonly stepsAhead = STEPS_AHEAD;
  private readonly gpu: Gpu;
  private readonly options: ModelOptions;
  private readonly plan: ModelPlan;
  private readonly figures: Readback;
  private readonly uniforms = new Uniforms();
  private loss: LossConfig;
  private steps = 0;
  private bound: Binding | undefined;
  /** Pending while vectors are brought to the device; steps wait for it in order. */
  private binding: Promise<void> | undefined;
  /** Rows of a batch on their way to the device; made when one is first uploaded. */
  private staging: { readonly contexts: Float32Array; readonly targets: Float32Array } | undefined;
  private disposed = false;

  constructor(gpu: Gpu, pipelines: Pipelines, options: ModelOptions) {
    this.spec = options.spec;
    this.gpu = gpu;
    this.options = options;
    this.loss = options.loss;
    this.plan = new ModelPlan(gpu, pipelines, options);
    this.figures = new Readback(gpu, this.plan.losses.figures.length + 1);
    this.writeParameters(options.parameters);
  }

  trainStep(input: TrainStepInput): Promise<StepStats> {
    const { shared } = input.source;
    if (shared && shared !== this.bound?.shared) this.binding = this.bind(shared);
    return this.binding ? this.binding.then(() => this.step(input)) : this.step(input);
  }

  async predict(contexts: Float32Array, B: number): Promise<Prediction> {
    const { T, D } = this.spec;
    const { maxBatch } = this.options;
    const { network, losses } = this.plan;
    const raw = new Float32Array(B * D);
    const attention = network.attention && new Float32Array(B * T);
    for (let from = 0; from < B; from += maxBatch) {
      const rows = Math.min(maxBatch, B - from);
      this.writeContexts(contexts.subarray(from * T * D, (from + rows) * T * D), rows);
      this.gpu.device.queue.submit([this.record([this.plan.program('predict', 'none')], rows).finish()]);
      const tensors = [firstOf(losses.raw, rows * D)];
      if (network.attention) tensors.push(firstOf(network.attention.tensor, rows * T));
      const values = await readTensors(this.gpu, tensors);
      raw.set(values.subarray(0, rows * D), from * D);
      attention?.set(values.subarray(rows * D), from * T);
    }
    return attention ? { raw, attention } : { raw };
  }

  async probe(contexts: Float32Array, targets: Float32Array, B: number): Promise<LossProbe> {
    this.checkBatch(B);
    this.writeContexts(contexts, B);
    this.plan.memory.write(this.plan.input.targets, targets);
    const partGradNorms = new Float64Array(TERM_COUNT);
    for (const [k, term] of TERMS.entries()) {
      const alone = { ...this.loss, weights: byTerm((name) => (name === term ? 1 : 0)) };
      const { values, gradNorm } = await this.runGradients(alone, B);
      partGradNorms[k] = Number.isNaN(values[k]) ? Number.NaN : gradNorm;
    }
    const { total, values, gradNorms, gradNorm } = await this.runGradients(this.loss, B);
    const gradients = await this.readBank('g');
    return { total, values, gradNorms, partGradNorms, gradients, gradNorm };
  }

  readParameters(): Promise<NamedTensors> {
    return this.readBank('w');
  }

  writeParameters(parameters: NamedTensors): void {
    this.writeBank('w', parameters);
  }

  async readOptimizer(): Promise<OptimizerState> {
    const step = this.steps;
    const [m, v] = await Promise.all([this.readBank('m'), this.readBank('v')]);
    return { step, m, v };
  }

  writeOptimizer({ step, m, v }: OptimizerState): void {
    this.writeBank('m', m);
    this.writeBank('v', v);
    this.steps = step;
  }

  setLoss(loss: LossConfig): void {
    this.loss = loss;
  }

  /** Kernels of a training step of B rows. */
  dispatches(B: number, infoNce: InfoNceMode = 'gradient'): readonly string[] {
    const gather = this.bound?.gather?.labels(B) ?? [];
    return [...gather, ...this.plan.program('train', infoNce).labels(B)];
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.bound?.vectors?.dispose();
    this.figures.dispose();
    this.plan.memory.dispose();
  }

  private async bind(shared: SharedVectors): Promise<void> {
    await this.binding;
    if (this.bound?.shared === shared) return;
    this.bound?.vectors?.dispose();
    const vectors = await ResidentVectors.load(this.gpu, shared, this.spec.D, this.plan.memory.bytes);
    this.bound = { shared, vectors, gather: vectors && this.plan.gatherProgram(vectors) };
    this.binding = undefined;
  }

  private async step({ source, ids, lr, step }: TrainStepInput): Promise<StepStats> {
    const B = ids.length;
    this.checkBatch(B);
    this.checkSource(source, ids);
    const { loss, options } = this;
    const infoNce = infoNceModeOf(loss, step);
    const gather = source.shared && this.bound?.gather;
    if (gather) this.plan.memory.write(this.plan.ids, ids);
    else this.upload(source, ids);
    this.uniforms.setLoss(loss);
    this.uniforms.setOptimizer(options.optimizer, lr, step);
    this.uniforms.setDropout(options.seed, step);
    const train = this.plan.program('train', infoNce);
    this.steps = step;
    return this.statsOf(await this.submit(gather ? [gather, train] : [train], B), loss, B, infoNce);
  }

  private async runGradients(loss: LossConfig, B: number): Promise<StepStats> {
    const infoNce: InfoNceMode = loss.weights.info_nce !== 0 ? 'gradient' : 'value';
    this.uniforms.setLoss(loss);
    return this.statsOf(await this.submit([this.plan.program('gradients', infoNce)], B), loss, B, infoNce);
  }

  private statsOf(figures: Float32Array, loss: LossConfig, B: number, infoNce: InfoNceMode): StepStats {
    const results: LossResults = this.plan.losses.results(figures, loss, B, infoNce);
    return { ...results, gradNorm: figures[figures.length - 1] };
  }

  /** Runs programs as one command buffer; gives the figures of the losses and the gradient norm. */
  private submit(programs: readonly Program[], B: number): Values {
    const { losses, optimizer } = this.plan;
    const encoder = this.record(programs, B);
    const figures = this.figures.record(encoder, [losses.figures, optimizer.norm]);
    this.gpu.device.queue.submit([encoder.finish()]);
    return figures();
  }

  /** Programs as commands that wait to be submitted. */
  private record(programs: readonly Program[], B: number): GPUCommandEncoder {
    this.gpu.check();
    this.uniforms.setBatch(B);
    this.gpu.device.queue.writeBuffer(this.plan.uniforms, 0, this.uniforms.bytes);
    return encode(this.gpu, programs, B);
  }

  private stagingArrays() {
    const { T, D } = this.spec;
    const { maxBatch } = this.options;
    return { contexts: new Float32Array(maxBatch * T * D), targets: new Float32Array(maxBatch * D) };
  }

  /** Writes the rows of a batch behind the steps under way: the queue copies them before this returns. */
  private upload(source: WindowSource, ids: Uint32Array): void {
    const { T, D } = this.spec;
    const B = ids.length;
    const { contexts, targets } = (this.staging ??= this.stagingArrays());
    source.gather(ids, contexts.subarray(0, B * T * D), targets.subarray(0, B * D));
    this.writeContexts(contexts, B);
    this.plan.memory.write(this.plan.input.targets, targets.subarray(0, B * D));
  }

  private writeContexts(contexts: Float32Array, B: number): void {
    const { T, D } = this.spec;
    if (contexts.length < B * T * D)
      throw new Error(`webgpu engine: ${B} windows of ${T}×${D} values expected, got ${contexts.length} values`);
    this.plan.memory.write(this.plan.input.contexts, contexts.subarray(0, B * T * D));
  }

  private async readBank(part: 'w' | 'g' | 'm' | 'v'): Promise<NamedTensors> {
    const { bank } = this.plan.network;
    return bank.unpack(await readTensors(this.gpu, [bank.tensor(part)]));
  }

  private writeBank(part: 'w' | 'm' | 'v', tensors: NamedTensors): void {
    const { bank } = this.plan.network;
    this.plan.memory.write(bank.tensor(part), bank.pack(tensors));
  }

  private checkBatch(B: number): void {
    const { maxBatch } = this.options;
    if (this.disposed) throw new Error('webgpu engine: the model was disposed');
    if (B < 1 || B > maxBatch)
      throw new Error(`webgpu engine: a batch of ${B} rows; this model was made for 1 to ${maxBatch}`);
  }

  private checkSource(source: WindowSource, ids: Uint32Array): void {
    const { T, D } = this.spec;
    if (source.T !== T || source.D !== D) {
      throw new Error(
        `webgpu engine: the data has T ${source.T}, D ${source.D}; the model was made for T ${T}, D ${D}`,
      );
    }
    const outside = ids.find((id) => id >= source.windows);
    if (outside !== undefined) throw new Error(`webgpu engine: window ${outside} lies outside the data`);
  }
}

function firstOf(tensor: Tensor, length: number): Tensor {
  return { ...tensor, length };
}
