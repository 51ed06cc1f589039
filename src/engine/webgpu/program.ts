/**
 * A program: kernels in the order in which they run, each seeing what those before it wrote. Pipelines and bind groups
 * are made once, when a kernel first runs; running it for a batch of B rows records them in a compute pass.
 */
import type { Tiling } from '#shared/domain/runs/adapter.ts';
import type { Gpu } from './device/device.ts';
import type { Buffers, Groups, Kernel, Pipelines } from './kernel.ts';
import { binding, type Tensor } from './device/memory.ts';

interface Dispatch {
  readonly kernel: Kernel;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly groups: (B: number) => Groups | null;
  /** Made when the kernel first runs. */
  bound?: { readonly pipeline: GPUComputePipeline; readonly bindGroup: GPUBindGroup };
}

export interface ProgramOptions {
  readonly training?: boolean;
  /** Default: that of the device. */
  readonly tiling?: Tiling | null;
}

export class Program {
  /** Whether dropout drops. */
  readonly training: boolean;
  /** Tiles of matrix products; null: they are computed plainly. */
  readonly tiling: Tiling | null;
  private readonly gpu: Gpu;
  private readonly pipelines: Pipelines;
  private readonly uniforms: GPUBuffer;
  private readonly dispatches: Dispatch[] = [];

  constructor(gpu: Gpu, pipelines: Pipelines, uniforms: GPUBuffer, options: ProgramOptions = {}) {
    this.gpu = gpu;
    this.pipelines = pipelines;
    this.uniforms = uniforms;
    this.training = options.training ?? false;
    this.tiling = options.tiling === undefined ? gpu.tiling : options.tiling;
  }

  /** Kernels that run for a batch of B rows, in order, with their tensors and workgroups. */
  kernels(B: number): readonly Pick<Dispatch, 'kernel' | 'tensors' | 'groups'>[] {
    return this.dispatches.filter(({ groups }) => groups(B));
  }

  labels(B: number): readonly string[] {
    return this.kernels(B).map(({ kernel }) => kernel.label);
  }

  /** Appends a kernel. `groups`: its workgroups for a batch of B rows; null: it does not run. */
  add<B extends Buffers>(
    kernel: Kernel<B>,
    tensors: { readonly [K in keyof B]: Tensor },
    groups: (B: number) => Groups | null,
  ): void {
    this.dispatches.push({ kernel, tensors, groups });
  }

  record(pass: GPUComputePassEncoder, B: number): void {
    for (const dispatch of this.dispatches) {
      const groups = dispatch.groups(B);
      if (!groups) continue;
      const [x, y = 1, z = 1] = groups;
      const { pipeline, bindGroup } = (dispatch.bound ??= this.bind(dispatch));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    }
  }

  private bind({ kernel, tensors }: Dispatch) {
    const { layout, pipeline } = this.pipelines.get(kernel);
    const bindGroup = this.gpu.device.createBindGroup({
      label: kernel.label,
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.uniforms } },
        ...Object.keys(kernel.buffers).map((name, i) => ({ binding: i + 1, resource: binding(tensors[name]) })),
      ],
    });
    return { pipeline, bindGroup };
  }
}

/** Programs for a batch of B rows as one compute pass, to be submitted. */
export function encode({ device }: Gpu, programs: readonly Program[], B: number): GPUCommandEncoder {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const program of programs) program.record(pass, B);
  pass.end();
  return encoder;
}
