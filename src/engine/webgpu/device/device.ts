/**
 * Opens a GPU: the page's `navigator.gpu`, or Dawn from the optional package `webgpu` in a Node process. Every error that
 * the device reports later is kept, because a kernel that was refused leaves garbage and goes on.
 */
import type { Adapter, Tiling } from '#shared/domain/runs/adapter.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import { GpuFailure, type FaultKind } from './failure.ts';
import type { BufferSource } from './memory.ts';
import { DEFAULT_TILING } from '../products/tile-shapes.ts';
import { withNaps } from './wait.ts';
import { Watchdog, type Patience } from './watchdog.ts';

/** Limits asked of the adapter: as much as it has. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/**
 * Every kernel writes workgroup memory before it reads it. Without the zeroing, kernels start sooner, and a software adapter
 * compiles them ten times as fast.
 */
const DAWN_OPTIONS = ['enable-dawn-features=disable_workgroup_init'];

const DEFAULT_PATIENCE: Patience = { turnMs: 10_000, turns: 30 };

interface GpuOptions {
  readonly patience?: Patience;
  /** Bytes of the machine's memory. */
  readonly machineBytes?: number;
  readonly data?: Partial<DataLimits>;
}

/** How much of the device the vectors of a data set may take, with the index of their windows. */
export interface DataLimits {
  /** In all; what the model takes counts too where the memory of the device is known. Default: no limit. */
  readonly bytes: number;
  /** In one buffer; default: as much as the device binds. */
  readonly bufferBytes: number;
}

/** Of the machine's memory, where the GPU has none of its own: the rest is for the system and other programs. */
const SHARED_MEMORY = 0.75;
/** Vendors whose GPUs share the memory of the machine, in the words of WebGPU. Some of Intel's have their own. */
const SHARING_VENDORS = ['apple', 'intel', 'qualcomm'];

let implementation: Promise<GPU> | undefined;

/** Rejects where neither the process nor the package `webgpu` has WebGPU. One instance for the whole process. */
function gpuImplementation(): Promise<GPU> {
  implementation ??= findImplementation();
  return implementation;
}

async function findImplementation(): Promise<GPU> {
  if (typeof navigator !== 'undefined' && 'gpu' in navigator) return navigator.gpu;
  const name = 'webgpu';
  const dawn: typeof import('webgpu') = await import(/* @vite-ignore */ name);
  Object.assign(globalThis, dawn.globals);
  return dawn.create(DAWN_OPTIONS);
}

export class Gpu implements BufferSource {
  readonly device: GPUDevice;
  readonly adapter: Adapter;
  readonly dataLimits: DataLimits;
  /** Tiles of matrix products; null: a software adapter, which computes them plainly. Set it before a program is made. */
  tiling: Tiling | null;
  private readonly watchdog: Watchdog;
  private failure: GpuFailure | undefined;
  private isDestroyed = false;

  /** Rejects with what is missing and what to do. */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const gpu = await gpuImplementation();
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter)
      throw new Error('WebGPU finds no adapter: no GPU, or its driver (Vulkan, Metal, Direct3D 12) is missing');
    const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
    return new Gpu(await adapter.requestDevice({ requiredLimits }), adapter, options);
  }

  private constructor(device: GPUDevice, { info, limits }: GPUAdapter, options: GpuOptions) {
    const { patience = DEFAULT_PATIENCE, machineBytes } = options;
    this.device = device;
    this.watchdog = new Watchdog(patience, (seconds) => this.fail('silent', `nothing for ${seconds} s`));
    const isShared = info.isFallbackAdapter || SHARING_VENDORS.includes(info.vendor);
    this.adapter = {
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      description: info.description,
      isSoftware: info.isFallbackAdapter,
      maxBindingBytes: limits.maxStorageBufferBindingSize,
      maxBufferBytes: limits.maxBufferSize,
      memoryBytes: isShared && machineBytes !== undefined ? Math.floor(SHARED_MEMORY * machineBytes) : null,
    };
    this.tiling = info.isFallbackAdapter ? null : DEFAULT_TILING;
    const bufferBytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    this.dataLimits = { bytes: Infinity, bufferBytes, ...options.data };
    device.addEventListener('uncapturederror', ({ error }) => {
      this.fail(error instanceof GPUOutOfMemoryError ? 'memory' : 'refused', error.message);
    });
    void this.watchLoss();
  }

  private async watchLoss(): Promise<void> {
    const { message } = await this.device.lost;
    this.fail('lost', message);
  }

  /** The first failure is kept: it is the cause of the others. */
  private fail(kind: FaultKind, reason: string): GpuFailure {
    this.failure ??= new GpuFailure(kind, this.adapter, reason);
    return this.failure;
  }

  /** Throws `GpuFailure` once the device has refused a kernel, run out of memory, been lost or closed. */
  check(): void {
    if (this.isDestroyed) this.fail('lost', 'it was closed');
    if (this.failure) throw this.failure;
  }

  get maxBindingBytes(): number {
    return this.adapter.maxBindingBytes;
  }

  createBuffer(label: string, size: number, kind: 'storage' | 'uniform'): GPUBuffer {
    const { STORAGE, UNIFORM, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const usage = kind === 'storage' ? STORAGE | COPY_DST | COPY_SRC : UNIFORM | COPY_DST;
    return this.device.createBuffer({ label, size, usage });
  }

  /** Before everything submitted later. */
  writeBuffer(to: GPUBuffer, atByte: number, { buffer, byteOffset, byteLength }: Float32Array | Uint32Array): void {
    this.device.queue.writeBuffer(to, atByte, buffer, byteOffset, byteLength);
  }

  /** What the device answers; rejects with `GpuFailure` where it is lost or silent. */
  async answer<R>(promise: Promise<R>): Promise<R> {
    try {
      const answer = await withNaps(this.watchdog.watch(promise));
      this.check();
      return answer;
    } catch (error) {
      if (error instanceof GpuFailure) throw error;
      // A lost device rejects with an error of its own, perhaps before it says that it is lost.
      throw this.fail('lost', messageOf(error));
    }
  }

  /** Call before the process ends: Dawn can crash otherwise. */
  destroy(): void {
    this.isDestroyed = true;
    this.device.destroy();
  }
}
