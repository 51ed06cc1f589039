/** The webgpu engine: own WGSL kernels, explicit forward and backward, everything of a run in device memory. */
import { adapterWords } from '#shared/domain/runs/adapter.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { GramDeviceFactory } from '../gram/device.ts';
import type { Engine, EngineAvailability, EngineHost, EngineInfo, ModelOptions } from '../types.ts';
import { Gpu } from './device/device.ts';
import { GramProducts } from './products/gram-products.ts';
import { Pipelines } from './kernel.ts';
import { requireMemory } from './device/room.ts';
import { measureTiling, tilingFor, type Tilings } from './products/tiling.ts';
import { WebgpuModel } from './model.ts';

/** Raised when results change. */
const ENGINE_VERSION = '2';

type GpuHost = Pick<EngineHost, 'vulkanProblem' | 'memoryBytes'>;

/** Without the Vulkan loader Dawn is not started: it would write a warning of its own to stderr. */
async function openGpu(host: GpuHost = {}): Promise<Gpu> {
  const problem = host.vulkanProblem?.() ?? '';
  if (problem === '') return Gpu.open({ machineBytes: host.memoryBytes });
  throw new Error(
    `${problem}; install the Vulkan loader (Debian, Ubuntu: apt install libvulkan1) and the driver of the GPU`,
  );
}

export interface WebgpuOptions {
  /** What is known of the tiles of each device; one that is not among them is measured. Absent: the default tiles. */
  readonly tilings?: Tilings;
}

interface OpenedGpu {
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  readonly info: EngineInfo;
}

/** Rejects with what is missing and what to do. */
async function openTiled(host?: GpuHost, { tilings }: WebgpuOptions = {}): Promise<OpenedGpu> {
  const gpu = await openGpu(host);
  const pipelines = new Pipelines(gpu);
  const { adapter } = gpu;
  if (gpu.tiling && tilings) gpu.tiling = await tilingFor(adapter, tilings, () => measureTiling(gpu, pipelines));
  const info: EngineInfo = {
    name: 'webgpu',
    version: ENGINE_VERSION,
    threads: 1,
    variant: adapterWords(adapter),
    deterministic: true,
    adapter,
    ...(gpu.tiling && { tiling: gpu.tiling }),
  };
  return { gpu, pipelines, info };
}

/** Rejects with what is missing and what to do. */
export async function createWebgpuEngine(host?: GpuHost, options?: WebgpuOptions): Promise<Engine> {
  const { gpu, pipelines, info } = await openTiled(host, options);
  const models = new Set<WebgpuModel>();
  return {
    info,
    async createModel(options: ModelOptions) {
      gpu.check();
      await requireMemory(gpu, options);
      const model = new WebgpuModel(gpu, pipelines, options);
      models.add(model);
      return model;
    },
    async dispose() {
      for (const model of models) model.dispose();
      models.clear();
      gpu.destroy();
    },
  };
}

/** A GPU for the large products of a Gram mixture. */
export interface GramGpu {
  readonly info: EngineInfo;
  readonly openDevice: GramDeviceFactory;
  close(): void;
}

/** Rejects with what is missing and what to do. */
export async function openGramGpu(host: GpuHost, options: WebgpuOptions): Promise<GramGpu> {
  const { gpu, pipelines, info } = await openTiled(host, options);
  return { info, openDevice: (size) => new GramProducts(gpu, pipelines, size), close: () => gpu.destroy() };
}

export async function webgpuAvailability(host: GpuHost): Promise<EngineAvailability> {
  const name = 'webgpu';
  try {
    const gpu = await openGpu(host);
    const { adapter } = gpu;
    gpu.destroy();
    const reason = adapter.isSoftware ? 'Only a software adapter: correct, slower than simd; auto leaves it out.' : '';
    return { name, available: true, reason, adapter };
  } catch (error) {
    return { name, available: false, reason: messageOf(error) };
  }
}
