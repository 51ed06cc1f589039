/** What runs programs of kernels on this machine: the build that suits it, its threads, memories. */
import type { EngineHost } from '../../types.ts';
import { CONTROL_WIDE } from '../abi/control.ts';
import type { GatherLayout } from '../gather.ts';
import { loadKernels } from './kernels.ts';
import { ThreadPool } from './pool.ts';
import { detectFeatures, VARIANTS, type Features, type Variant } from './variants.ts';
import { wideTilesPay } from './wide.ts';

/** Pages of 64 KiB in the 4 GiB that a WebAssembly memory holds. */
const PAGE_LIMIT = 65_536;

export interface RuntimeOptions {
  readonly host: EngineHost;
  /** Default: every core. One where threads or shared memory are missing. */
  readonly threads?: number;
  /** The most threads a model may be given later; default: `threads`. */
  readonly maxThreads?: number;
  /** 'auto', 'relaxed' or 'simd128'. */
  readonly variant?: string;
  /** Tiles for vectors of 256 bits; default: where they are faster. The results are the same bits. */
  readonly wide?: boolean;
  /** Multiply-adds to come, at most; default: many. */
  readonly work?: number;
}

/** Multiply-adds that take a core about a tenth of a second: timing the tiles takes as long as wide ones could gain. */
const LEAST_WORK = 2e9;

export interface SimdRuntime {
  readonly host: EngineHost;
  readonly module: WebAssembly.Module;
  readonly threads: number;
  /** Memory is shared and has scratch for so many. */
  readonly maxThreads: number;
  readonly variant: Variant;
  readonly wide: boolean;
}

export async function createRuntime(options: RuntimeOptions): Promise<SimdRuntime> {
  const { host } = options;
  const features = await detectFeatures();
  if (!features.simd)
    throw new Error('the simd engine needs WebAssembly SIMD, which this runtime lacks; choose the cpu engine');
  const variant = chooseVariant(options.variant ?? 'auto', features);
  const threads = chooseThreads(host, features, options.threads);
  const maxThreads = Math.max(threads, chooseThreads(host, features, options.maxThreads ?? threads));
  const pairs = host.pairVectors?.() ?? false;
  const module = await loadKernels(host, variant, maxThreads > 1);
  const mayPay = pairs && variant === 'relaxed' && (options.work ?? Infinity) >= LEAST_WORK;
  const wide = options.wide ?? (mayPay && (await wideTilesPay(module, maxThreads > 1)));
  return { host, module, threads, maxThreads, variant, wide };
}

function chooseVariant(wanted: string, features: Features): Variant {
  if (wanted === 'auto') return features.relaxed ? 'relaxed' : 'simd128';
  const variant = VARIANTS.find((name) => name === wanted);
  if (!variant) throw new Error(`there is no simd variant "${wanted}"; choose auto, ${VARIANTS.join(' or ')}`);
  if (variant === 'relaxed' && !features.relaxed) {
    throw new Error('the relaxed SIMD build cannot run here: this runtime lacks relaxed SIMD; use variant "simd128"');
  }
  return variant;
}

function chooseThreads(host: EngineHost, features: Features, wanted: number | undefined): number {
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 1)) {
    throw new Error(`the simd engine needs a whole number of threads of at least 1, not ${wanted}`);
  }
  if (!features.threads || !host.spawnSimdThread) return 1;
  return wanted ?? Math.max(1, host.hardwareThreads);
}

/** What has a place in a memory, as byte offsets. */
export interface MemoryPlan {
  readonly pages: number;
  readonly control: number;
  /** Scratch of each of `maxThreads` threads. */
  readonly scratch: readonly number[];
  readonly gatherLayout: GatherLayout;
  readonly maxBatch: number;
}

/** Allocates the memory, zero-filled, and starts its threads. Throws `tooLarge` where it exceeds 4 GiB. */
export async function openMemory(
  { host, module, threads, maxThreads, wide }: SimdRuntime,
  plan: MemoryPlan,
  tooLarge: string,
): Promise<{ memory: WebAssembly.Memory; pool: ThreadPool }> {
  if (plan.pages > PAGE_LIMIT) throw new Error(tooLarge);
  const { control, gatherLayout: layout, maxBatch } = plan;
  const memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages, shared: maxThreads > 1 });
  new Int32Array(memory.buffer)[(control + CONTROL_WIDE) / 4] = wide ? 1 : 0;
  const setups = plan.scratch.map((scratch) => ({ module, memory, control, scratch, layout, maxBatch }));
  return { memory, pool: await ThreadPool.start({ host, threads, setups }) };
}
