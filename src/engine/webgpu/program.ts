/**
 * A program: kernels in the order in which they run, each seeing what those before it wrote. Pipelines and bind groups
 * are made once; running it for a batch of B rows records one compute pass.
 */
import type { Gpu } from './device.ts';
import type { Buffers, Groups, Kernel, Pipelines } from './kernel.ts';
import { binding, type Tensor } from './memory.ts';

interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly groups: (B: number) => Groups;
}

export class Program {
  /** Whether dropout drops. */
  readonly training: boolean;
  private readonly gpu: Gpu;
  private readonly pipelines: Pipelines;
  private readonly uniforms: GPUBuffer;
  private readonly dispatches: Dispatch[] = [];

  constructor(gpu: Gpu, pipelines: Pipelines, uniforms: GPUBuffer, training = false) {
    this.gpu = gpu;
    this.pipelines = pipelines;
    this.uniforms = uniforms;
    this.training = training;
  }

  /** Kernels of one run. */
  get length(): number {
    return this.dispatches.length;
  }

  get labels(): readonly string[] {
    return this.dispatches.map(({ label }) => label);
  }

  /** Appends a kernel. `groups`: its workgroups for a batch of B rows. */
  add<B extends Buffers>(
    kernel: Kernel<B>,
    tensors: { readonly [K in keyof B]: Tensor },
    groups: (B: number) => Groups,
  ): void {
    const { layout, pipeline } = this.pipelines.get(kernel);
    const bindGroup = this.gpu.device.createBindGroup({
      label: kernel.label,
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.uniforms } },
        ...Object.keys(kernel.buffers).map((name, i) => ({ binding: i + 1, resource: binding(tensors[name]) })),
      ],
    });
    this.dispatches.push({ label: kernel.label, pipeline, bindGroup, groups });
  }

  record(encoder: GPUCommandEncoder, B: number): void {
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindGroup, groups } of this.dispatches) {
      const [x, y = 1, z = 1] = groups(B);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    }
    pass.end();
  }
}
