/** Compute kernels: WGSL with its buffers declared once, pipelines compiled once for each device and source. */
import type { Gpu } from './device/device.ts';
import { UNIFORMS_WGSL } from './uniforms.ts';

/** Access and WGSL element type of each buffer, by the name that the code uses. */
export type Buffers = Readonly<Record<string, BufferUse>>;

interface BufferUse {
  readonly access: 'read' | 'read_write';
  readonly type: string;
}

export const READ: BufferUse = { access: 'read', type: 'f32' };
export const READ4: BufferUse = { access: 'read', type: 'vec4<f32>' };
export const READ_U32: BufferUse = { access: 'read', type: 'u32' };
export const WRITE: BufferUse = { access: 'read_write', type: 'f32' };
export const WRITE4: BufferUse = { access: 'read_write', type: 'vec4<f32>' };

/** What a kernel does in one run, for benchmarks. */
export interface Work {
  /** Of matrix products; a multiply-add counts two. */
  readonly flop: number;
  /** Read and written, each operand once. */
  readonly bytes: number;
}

/** A kernel before it is compiled. Sizes that never change are constants in its code; the batch size is `u.B`. */
export interface Kernel<B extends Buffers = Buffers> {
  readonly label: string;
  /** At most eight, so that every adapter has enough. */
  readonly buffers: B;
  /** WGSL with the entry point `main`. */
  readonly code: string;
  /** Work for a batch of B rows; without it, no products and every buffer as a whole. */
  readonly work?: (B: number) => Work;
}

/**
 * Number of workgroup `id` of a grid made by `grid`, which folds counts over 65,535 into a second dimension; the last
 * row may have workgroups beyond the count.
 */
export const GROUP_INDEX_WGSL = `fn group_index(id: vec3<u32>, count: vec3<u32>) -> u32 { return id.y * count.x + id.x; }
`;
const MAX_GROUPS = 65_535;

export type Groups = readonly [x: number, y?: number, z?: number];

/** `count` workgroups in as many rows as the device asks for; see `GROUP_INDEX_WGSL`. */
export function grid(count: number): Groups {
  const rows = Math.max(1, Math.ceil(count / MAX_GROUPS));
  return [Math.ceil(count / rows), rows];
}

function sourceOf({ buffers, code }: Kernel): string {
  const declarations = Object.entries(buffers).map(
    ([name, { access, type }], i) => `@group(0) @binding(${i + 1}) var<storage, ${access}> ${name}: array<${type}>;\n`,
  );
  return UNIFORMS_WGSL + declarations.join('') + code;
}

/** A compiled kernel. */
export interface Pipeline {
  readonly layout: GPUBindGroupLayout;
  readonly pipeline: GPUComputePipeline;
}

export class Pipelines {
  private readonly device: GPUDevice;
  private readonly compiled = new Map<string, Pipeline>();

  constructor({ device }: Gpu) {
    this.device = device;
  }

  get(kernel: Kernel): Pipeline {
    const source = sourceOf(kernel);
    let pipeline = this.compiled.get(source);
    if (!pipeline) {
      pipeline = this.compile(kernel, source);
      this.compiled.set(source, pipeline);
    }
    return pipeline;
  }

  private compile({ label, buffers }: Kernel, code: string): Pipeline {
    const { device } = this;
    const visibility = GPUShaderStage.COMPUTE;
    const layout = device.createBindGroupLayout({
      label,
      entries: [
        { binding: 0, visibility, buffer: { type: 'uniform' } },
        ...Object.values(buffers).map(({ access }, i) => ({
          binding: i + 1,
          visibility,
          buffer: { type: access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
      ],
    });
    const pipeline = device.createComputePipeline({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: device.createShaderModule({ label, code }), entryPoint: 'main' },
    });
    return { layout, pipeline };
  }
}
