/**
 * Opens a GPU: the page's `navigator.gpu`, or Dawn from the optional package `webgpu` in a Node process. Every error that
 * the device reports later is kept, because a kernel that was refused leaves garbage and goes on.
 */
import type { Adapter } from '#shared/domain/runs/adapter.ts';

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

/** The device is gone or has refused work: results since then are void. */
export class GpuFailure extends Error {}

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

export class Gpu {
  readonly device: GPUDevice;
  readonly adapter: Adapter;
  private failure = '';
  private isDestroyed = false;

  /** Rejects with what is missing and what to do. */
  static async open(): Promise<Gpu> {
    const gpu = await gpuImplementation();
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter)
      throw new Error('WebGPU finds no adapter: no GPU, or its driver (Vulkan, Metal, Direct3D 12) is missing');
    const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
    return new Gpu(await adapter.requestDevice({ requiredLimits }), adapter);
  }

  private constructor(device: GPUDevice, { info, limits }: GPUAdapter) {
    this.device = device;
    this.adapter = {
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      description: info.description,
      isSoftware: info.isFallbackAdapter,
      maxBindingBytes: limits.maxStorageBufferBindingSize,
      maxBufferBytes: limits.maxBufferSize,
    };
    device.addEventListener('uncapturederror', ({ error }) => (this.failure ||= error.message));
    void this.watchLoss();
  }

  private async watchLoss(): Promise<void> {
    const { reason, message } = await this.device.lost;
    if (!this.isDestroyed) this.failure ||= `the device was lost (${reason}): ${message}`;
  }

  /** Throws `GpuFailure` once the device has refused a kernel, run out of memory or been lost. */
  check(): void {
    if (this.isDestroyed) throw new GpuFailure('WebGPU: the device was closed');
    if (this.failure) throw new GpuFailure(`WebGPU failed, results since then are void: ${this.failure}`);
  }

  /** Call before the process ends: Dawn can crash otherwise. */
  destroy(): void {
    this.isDestroyed = true;
    this.device.destroy();
  }
}
