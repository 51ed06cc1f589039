/** Everything of one model on the device, and the programs that run it. */
import { inputShift } from '#shared/domain/models/models.ts';
import type { InfoNceMode } from '../losses/info-nce.ts';
import type { ModelOptions } from '../types.ts';
import type { Gpu } from './device/device.ts';
import { BatchInput } from './input.ts';
import type { Pipelines } from './kernel.ts';
import { LossHead } from './losses/head.ts';
import { Memory, type Tensor } from './device/memory.ts';
import { createNetwork } from './models/index.ts';
import type { Network } from './models/network.ts';
import { Optimizer } from './optimizer.ts';
import { Program } from './program.ts';
import { rowsOf } from './rows.ts';
import { UNIFORM_BYTES } from './uniforms.ts';
import type { ResidentVectors } from './vectors.ts';

/** predict: forward; gradients: losses and gradients too; train: also the update, with dropout. */
export type ProgramKind = 'predict' | 'gradients' | 'train';

export type ModelSize = Pick<ModelOptions, 'spec' | 'maxBatch'>;

/** Everything that a model and its largest batch keep in device memory. */
export class ModelTensors {
  readonly memory: Memory;
  readonly uniforms: GPUBuffer;
  readonly input: BatchInput;
  /** Window ids of the batch [maxB] of uint32. */
  readonly ids: Tensor;
  readonly losses: LossHead;
  readonly network: Network;
  readonly optimizer: Optimizer;

  constructor(memory: Memory, { spec, maxBatch: maxB }: ModelSize) {
    const { T, D } = spec;
    this.memory = memory;
    this.uniforms = memory.uniform('uniforms', UNIFORM_BYTES);
    this.ids = memory.tensor('window ids', maxB);
    this.input = new BatchInput(memory, T, D, maxB, inputShift(spec));
    const { contexts, targets } = this.input;
    this.losses = new LossHead(memory, { T, D, maxB, contexts, targets });
    const [raw, draw] = [rowsOf(this.losses.raw, D), rowsOf(this.losses.draw, D)];
    this.network = createNetwork(spec, { memory, input: this.input, raw, draw, maxB });
    this.input.addConstant(this.network.bank);
    this.network.bank.place(memory);
    this.optimizer = new Optimizer(memory, this.network.bank);
  }
}

export class ModelPlan extends ModelTensors {
  private readonly gpu: Gpu;
  private readonly pipelines: Pipelines;
  private readonly programs = new Map<string, Program>();

  constructor(gpu: Gpu, pipelines: Pipelines, size: ModelSize) {
    super(new Memory(gpu, size.maxBatch), size);
    this.gpu = gpu;
    this.pipelines = pipelines;
  }

  /** Built once for each kind; InfoNCE as the step measures it. */
  program(kind: ProgramKind, infoNce: InfoNceMode): Program {
    const key = `${kind} ${infoNce}`;
    let program = this.programs.get(key);
    if (!program) {
      program = this.build(kind, infoNce);
      this.programs.set(key, program);
    }
    return program;
  }

  /** Fills contexts and targets from the ids. */
  gatherProgram(vectors: ResidentVectors): Program {
    const program = new Program(this.gpu, this.pipelines, this.uniforms);
    vectors.gather(program, this.input, this.ids);
    return program;
  }

  private build(kind: ProgramKind, infoNce: InfoNceMode): Program {
    const { input, losses, network, optimizer } = this;
    const program = new Program(this.gpu, this.pipelines, this.uniforms, { training: kind === 'train' });
    input.shiftContexts(program, losses.raw);
    network.forward(program);
    if (kind === 'predict') return program;
    losses.forwardBackward(program, infoNce);
    network.backward(program);
    if (kind === 'train') optimizer.addUpdate(program);
    else optimizer.addNorm(program);
    return program;
  }
}
