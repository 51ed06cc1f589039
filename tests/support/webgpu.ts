/** WebGPU for tests: a device where the machine has an adapter, and programs run on it. */
import { afterAll, describe } from 'vitest';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import type { ModelOptions } from '#engine/types.ts';
import { Gpu } from '#engine/webgpu/device/device.ts';
import { Pipelines } from '#engine/webgpu/kernel.ts';
import { Memory, type Tensor } from '#engine/webgpu/device/memory.ts';
import { encode, Program, type ProgramOptions } from '#engine/webgpu/program.ts';
import { readTensors } from '#engine/webgpu/device/readback.ts';
import { UNIFORM_BYTES, Uniforms } from '#engine/webgpu/uniforms.ts';

/** Why there is no device; CI must have one. */
async function openGpu(): Promise<Gpu | null> {
  try {
    return await Gpu.open();
  } catch (error) {
    if (process.env.NEXTVEC_REQUIRE_WEBGPU) throw error;
    return null;
  }
}

const gpu = await openGpu();
const pipelines = gpu && new Pipelines(gpu);
if (gpu) afterAll(() => gpu.destroy());

/** Tests that are skipped where no adapter exists. */
export const describeWebgpu = gpu ? describe : describe.skip;

/** For tests of a whole model whose size is not the point: with one size, its kernels compile once. */
const AMN: GradientSpec = { type: 'amn', T: 5, D: 22, dModel: 6, hiddenDim: 16, skip: 'positional' };
export const SMALL_MODEL: ModelOptions = {
  spec: AMN,
  loss: {
    weights: lambdaOf({ mse: 1, info_nce: 0.1, moment: 0.1, directional: 0.1 }),
    tau: 0.2,
    marginDirectional: 0.05,
    marginAntiCopy: 0.02,
    varianceTarget: 0.2,
  },
  optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
  seed: 3,
  parameters: initialParameters(AMN, 3),
  maxBatch: 9,
};

/** Memory and programs for tests of kernels. */
export class GpuBench {
  readonly gpu: Gpu;
  readonly memory: Memory;
  readonly uniforms = new Uniforms();
  readonly pipelines: Pipelines;
  private readonly uniformBuffer: GPUBuffer;

  constructor() {
    if (!gpu || !pipelines) throw new Error('no WebGPU adapter; use describeWebgpu');
    this.gpu = gpu;
    this.memory = new Memory(gpu);
    this.pipelines = pipelines;
    this.uniformBuffer = this.memory.uniform('uniforms', UNIFORM_BYTES);
  }

  tensor(values: ArrayLike<number>, room = values.length): Tensor {
    const tensor = this.memory.tensor('test', room);
    this.memory.write(tensor, Float32Array.from(values));
    return tensor;
  }

  /** Runs the kernels that `emit` adds for a batch of B rows. */
  run(B: number, emit: (program: Program) => void, options?: ProgramOptions): Program {
    this.uniforms.setBatch(B);
    const { queue } = this.gpu.device;
    queue.writeBuffer(this.uniformBuffer, 0, this.uniforms.bytes);
    const program = new Program(this.gpu, this.pipelines, this.uniformBuffer, options);
    emit(program);
    queue.submit([encode(this.gpu, [program], B).finish()]);
    return program;
  }

  read(tensor: Tensor): Promise<Float32Array> {
    return readTensors(this.gpu, [tensor]);
  }
}
