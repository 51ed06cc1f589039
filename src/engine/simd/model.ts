/**
 * A model on the simd engine: batches in, programs run, numbers out. What a step computes is in models/ and losses/.
 * B batch rows, T context length, D width, L = D rounded up to 24 (row length in memory).
 */
import { TERMS, TERM_COUNT, byTerm, type LossConfig } from '#shared/domain/models/terms.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type {
  LossProbe,
  ModelOptions,
  NamedTensors,
  OptimizerState,
  Prediction,
  StepStats,
  TrainableModel,
  TrainStepInput,
  WindowSource,
} from '../types.ts';
import { infoNceModeOf, type InfoNceMode } from '../losses/info-nce.ts';
import type { LossResults } from '../losses/terms.ts';
import { HYPER_WORDS } from './hyper.ts';
import { writeDropoutKeys } from './layers/dropout.ts';
import type { VectorStore } from './gather.ts';
import { DOUBLE_BYTES, FLOAT_BYTES, type Matrix } from './layout.ts';
import { writeOptimizerHyper } from './optimizer.ts';
import type { ModelPlan } from './plan.ts';
import { readsPages } from './pages.ts';
import type { ThreadPool } from './runtime/pool.ts';
import { setGather, type PlacedProgram, type ProgramKey } from './programs.ts';

/** Time of thread 0 in each operation of one program, in order. */
export interface PhaseTime {
  readonly label: string;
  readonly ms: number;
}

export class SimdModel implements TrainableModel {
  readonly spec: GradientSpec;
  private readonly options: ModelOptions;
  private readonly plan: ModelPlan;
  private readonly pool: ThreadPool;
  private readonly buffer: ArrayBufferLike;
  private readonly view: DataView;
  private readonly floats: Float32Array;
  private readonly doubles: Float64Array;
  private readonly hyper: Float32Array;
  private readonly ids: readonly Uint32Array[];
  private loss: LossConfig;
  private steps = 0;
  private slot = 0;
  /** Batch already gathered into the slot of the next step; its window ids are in `ids`. */
  private ahead: { readonly source: WindowSource; readonly rows: number } | undefined;
  private readonly drops: boolean;
  private disposed = false;
  /** Threads from the next step on. */
  private threads: number;

  constructor(options: ModelOptions, plan: ModelPlan, memory: WebAssembly.Memory, pool: ThreadPool) {
    this.spec = options.spec;
    this.options = options;
    this.plan = plan;
    this.pool = pool;
    this.threads = pool.threads;
    this.loss = options.loss;
    this.buffer = memory.buffer;
    this.view = new DataView(memory.buffer);
    this.floats = new Float32Array(memory.buffer);
    this.doubles = new Float64Array(memory.buffer);
    this.hyper = new Float32Array(memory.buffer, plan.hyper, HYPER_WORDS);
    this.ids = plan.input.ids.map((at) => new Uint32Array(memory.buffer, at, options.maxBatch));
    this.drops = 'dropout' in options.spec && options.spec.dropout > 0;
    plan.network.initialise?.(memory.buffer);
    this.writeParameters(options.parameters);
  }

  trainStep(input: TrainStepInput): StepStats | Promise<StepStats> {
    if (this.threads !== this.pool.threads) return this.resize(input);
    const store = storeOf(input.source);
    if (store && !this.pool.isBound(store)) return this.pool.bind(store).then(() => this.step(input));
    return this.step(input);
  }

  predict(contexts: Float32Array, B: number): Prediction {
    const { T, D } = this.plan.input;
    const { maxBatch } = this.options;
    const raw = new Float32Array(B * D);
    const attention = this.plan.network.attention && new Float32Array(B * T);
    for (let from = 0; from < B; from += maxBatch) {
      const rows = Math.min(maxBatch, B - from);
      this.setContexts(contexts.subarray(from * T * D, (from + rows) * T * D), rows);
      this.run({ kind: 'predict', B: rows, slot: this.slot, infoNce: 'none' });
      this.readRows(this.plan.losses.raw, rows, raw.subarray(from * D));
      if (attention) this.readAttention(rows, attention.subarray(from * T));
    }
    return attention ? { raw, attention } : { raw };
  }

  probe(contexts: Float32Array, targets: Float32Array, B: number): LossProbe {
    this.checkBatch(B);
    this.setContexts(contexts, B);
    this.writeRows(this.plan.input.targets[this.slot], targets, B);
    const partGradNorms = new Float64Array(TERM_COUNT);
    TERMS.forEach((term, k) => {
      const alone = { ...this.loss, weights: byTerm((name) => (name === term ? 1 : 0)) };
      const { values } = this.runGradients(alone, B);
      partGradNorms[k] = Number.isNaN(values[k]) ? Number.NaN : this.gradNorm(B);
    });
    const { total, values, gradNorms } = this.runGradients(this.loss, B);
    const gradients = this.plan.network.bank.read(this.buffer, 'gradients');
    return { total, values, gradNorms, partGradNorms, gradients, gradNorm: this.gradNorm(B) };
  }

  readParameters(): NamedTensors {
    return this.plan.network.bank.read(this.buffer, 'weights');
  }

  writeParameters(parameters: NamedTensors): void {
    this.plan.network.bank.write(this.buffer, 'weights', parameters);
  }

  readOptimizer(): OptimizerState {
    const { bank } = this.plan.network;
    return { step: this.steps, m: bank.read(this.buffer, 'm'), v: bank.read(this.buffer, 'v') };
  }

  writeOptimizer(state: OptimizerState): void {
    const { bank } = this.plan.network;
    bank.write(this.buffer, 'm', state.m);
    bank.write(this.buffer, 'v', state.v);
    this.steps = state.step;
  }

  /** At least 1, at most the `maxThreads` of the engine. */
  setThreads(threads: number): void {
    this.threads = Math.min(threads, this.plan.scratch.length);
  }

  setLoss(loss: LossConfig): void {
    this.loss = loss;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    void this.pool.dispose();
  }

  /** Runs one training step and returns the time of each operation on thread 0. */
  profile(input: TrainStepInput): PhaseTime[] {
    this.step(input, this.plan.profile);
    const program = this.lastProgram!;
    const times = new Float64Array(this.buffer, this.plan.profile, program.ops + 1);
    return program.labels.map((label, i) => ({ label, ms: times[i + 1] - times[i] }));
  }

  private lastProgram: PlacedProgram | undefined;

  private async resize(input: TrainStepInput): Promise<StepStats> {
    await this.pool.resize(this.threads);
    return this.trainStep(input);
  }

  private step(input: TrainStepInput, profile = 0): StepStats {
    const { source, ids, nextIds } = input;
    const B = ids.length;
    this.checkBatch(B);
    this.checkSource(source);
    const infoNce = infoNceModeOf(this.loss, input.step);
    this.plan.losses.writeHyper(this.hyper, this.loss);
    writeOptimizerHyper(this.hyper, this.options.optimizer, input.lr, input.step);
    if (this.drops) writeDropoutKeys(this.view, this.plan.hyper, this.options.seed, input.step);
    const program = this.program({ kind: 'train', B, slot: this.slot, infoNce });
    this.fillSlot(program, source, ids);
    const next = storeOf(source) && nextIds && nextIds.length <= this.options.maxBatch ? nextIds : undefined;
    if (next) this.ids[1 - this.slot].set(next);
    setGather(this.view, program.prefetch, next?.length ?? 0);
    this.pool.run(program.at, program.ops, profile);
    this.lastProgram = program;
    this.ahead = next && { source, rows: next.length };
    if (next) this.slot = 1 - this.slot;
    this.steps = input.step;
    const results = this.plan.losses.results(this.doubles, this.loss, B, infoNce);
    return { ...results, gradNorm: this.normOf(program) };
  }

  /** Brings the batch into the current slot unless the last step has already done so. */
  private fillSlot(program: PlacedProgram, source: WindowSource, ids: Uint32Array): void {
    const ready =
      this.ahead?.source === source && this.ahead.rows === ids.length && startsWith(this.ids[this.slot], ids);
    setGather(this.view, program.gather, 0);
    if (ready) return;
    if (storeOf(source)) {
      this.ids[this.slot].set(ids);
      setGather(this.view, program.gather, ids.length);
      return;
    }
    const { T, D, contexts, targets } = this.plan.input;
    const x = new Float32Array(ids.length * T * D);
    const y = new Float32Array(ids.length * D);
    source.gather(ids, x, y);
    this.writeRows(contexts[this.slot], x, ids.length * T);
    this.writeRows(targets[this.slot], y, ids.length);
  }

  private runGradients(loss: LossConfig, B: number): LossResults {
    const infoNce: InfoNceMode = loss.weights.info_nce !== 0 ? 'gradient' : 'value';
    this.plan.losses.writeHyper(this.hyper, loss);
    this.run({ kind: 'gradients', B, slot: this.slot, infoNce });
    return this.plan.losses.results(this.doubles, loss, B, infoNce);
  }

  private gradNorm(B: number): number {
    return this.normOf(this.program({ kind: 'gradients', B, slot: this.slot, infoNce: 'gradient' }));
  }

  /** In slot order, as the clipping kernel sums them. */
  private normOf(program: PlacedProgram): number {
    const from = this.plan.programs.slotsAt / DOUBLE_BYTES;
    let sum = 0;
    for (let i = from; i < from + program.slots; i++) sum += this.doubles[i];
    return Math.sqrt(sum);
  }

  private program(key: ProgramKey): PlacedProgram {
    return this.plan.programs.get(this.buffer, this.plan, key);
  }

  private run(key: ProgramKey): void {
    const program = this.program(key);
    this.pool.run(program.at, program.ops);
  }

  private setContexts(contexts: Float32Array, B: number): void {
    this.ahead = undefined;
    this.writeRows(this.plan.input.contexts[this.slot], contexts, B * this.plan.input.T);
  }

  private writeRows(matrix: Matrix, values: Float32Array, rows: number): void {
    const width = matrix.features;
    const pitch = matrix.pitch / FLOAT_BYTES;
    const at = matrix.at / FLOAT_BYTES;
    if (values.length < rows * width)
      throw new Error(`simd engine: ${rows} rows of ${width} values expected, got ${values.length} values`);
    if (pitch === width) return this.floats.set(values.subarray(0, rows * width), at);
    for (let r = 0; r < rows; r++) this.floats.set(values.subarray(r * width, (r + 1) * width), at + r * pitch);
  }

  private readRows(matrix: Matrix, rows: number, into: Float32Array): void {
    const width = matrix.features;
    for (let r = 0; r < rows; r++) {
      const from = (matrix.at + r * matrix.pitch) / FLOAT_BYTES;
      into.set(this.floats.subarray(from, from + width), r * width);
    }
  }

  private readAttention(rows: number, into: Float32Array): void {
    const { T } = this.plan.input;
    const { at, pitch } = this.plan.network.attention!;
    this.readRows({ at, pitch, features: T }, rows, into);
  }

  private checkBatch(B: number): void {
    const { maxBatch } = this.options;
    if (this.disposed) throw new Error('simd engine: the model was disposed');
    if (B < 1 || B > maxBatch)
      throw new Error(`simd engine: a batch of ${B} rows; this model was made for 1 to ${maxBatch}`);
  }

  private checkSource(source: WindowSource): void {
    const { T, D } = this.plan.input;
    if (source.T !== T || source.D !== D) {
      throw new Error(`simd engine: the data has T ${source.T}, D ${source.D}; the model was made for T ${T}, D ${D}`);
    }
  }
}

/** What the threads can gather from themselves; undefined: `gather` of the source is called. */
function storeOf(source: WindowSource): VectorStore | undefined {
  return source.shared ?? (readsPages() ? source.paged : undefined);
}

function startsWith(ids: Uint32Array, first: Uint32Array): boolean {
  for (let i = 0; i < first.length; i++) if (ids[i] !== first[i]) return false;
  return true;
}
