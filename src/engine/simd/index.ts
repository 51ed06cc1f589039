/**
 * The simd engine: own WebAssembly kernels, explicit forward and backward, all cores. `createSimdEngine` picks the build
 * for this machine; `simdAvailability` says what it lacks, for `doctor` and Settings.
 */
import type { Engine, EngineAvailability, EngineHost, EngineInfo, ModelOptions } from '../types.ts';
import { loadKernels } from './kernels.ts';
import { SimdModel } from './model.ts';
import { planModel } from './plan.ts';
import { CONTROL_WIDE } from './abi/control.ts';
import { ThreadPool } from './pool.ts';
import { wideTilesPay } from './wide.ts';
import { detectFeatures, VARIANTS, VARIANT_NAMES, type Features, type Variant } from './variants.ts';

export { IDLE_INFO_NCE_INTERVAL } from './losses/info-nce.ts';
export { SimdModel, type PhaseTime } from './model.ts';
export { VARIANTS, type Variant } from './variants.ts';

/** Raised when results change. */
const ENGINE_VERSION = '2';
const PAGE_LIMIT = 65_536;

export interface SimdEngineOptions {
  readonly host: EngineHost;
  /** Default: every core. One where threads or shared memory are missing. */
  readonly threads?: number;
  /** 'auto', 'relaxed' or 'simd128'. */
  readonly variant?: string;
  /** Tiles for vectors of 256 bits; default: where they are faster. The results are the same bits. */
  readonly wide?: boolean;
}

export async function createSimdEngine(options: SimdEngineOptions): Promise<Engine> {
  const { host } = options;
  const features = await detectFeatures();
  if (!features.simd)
    throw new Error('the simd engine needs WebAssembly SIMD, which this runtime lacks; choose the cpu engine');
  const variant = chooseVariant(options.variant ?? 'auto', features);
  const threads = chooseThreads(host, features, options.threads);
  const pairs = host.pairVectors?.() ?? false;
  const module = await loadKernels(host, variant, threads > 1);
  const wide = options.wide ?? (pairs && variant === 'relaxed' && (await wideTilesPay(module, threads > 1)));
  const models = new Set<SimdModel>();
  const info: EngineInfo = {
    name: 'simd',
    version: ENGINE_VERSION,
    threads,
    variant: VARIANT_NAMES[variant],
    vectorBits: wide ? 256 : 128,
    deterministic: true,
  };
  return {
    info,
    async createModel(modelOptions: ModelOptions) {
      const model = await createModel({ host, module, threads, wide }, modelOptions);
      models.add(model);
      return model;
    },
    async dispose() {
      for (const model of models) model.dispose();
      models.clear();
    },
  };
}

export async function simdAvailability(host: EngineHost): Promise<EngineAvailability> {
  const features = await detectFeatures();
  if (!features.simd) {
    return {
      name: 'simd',
      available: false,
      reason: 'This runtime has no WebAssembly SIMD; the cpu engine works everywhere.',
    };
  }
  const reasons: string[] = [];
  if (!features.relaxed) {
    reasons.push(
      'No relaxed SIMD here: the plain SIMD build runs instead, up to twice as slow. A newer runtime (V8 11.4 or later) has it.',
    );
  }
  if (!features.threads || !host.spawnSimdThread) {
    reasons.push(
      'No shared memory or threads here: one core is used. Run outside a sandbox that forbids them to use all cores.',
    );
  }
  return { name: 'simd', available: true, reason: reasons.join(' ') };
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

interface Kernels {
  readonly host: EngineHost;
  readonly module: WebAssembly.Module;
  readonly threads: number;
  readonly wide: boolean;
}

async function createModel({ host, module, threads, wide }: Kernels, options: ModelOptions): Promise<SimdModel> {
  const plan = planModel(options, threads);
  if (plan.pages > PAGE_LIMIT) {
    throw new Error(
      `the model and a batch of ${options.maxBatch} rows need more than the 4 GiB a WebAssembly memory holds; use a smaller batch`,
    );
  }
  const shared = threads > 1;
  const memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages, shared });
  new Int32Array(memory.buffer)[(plan.control + CONTROL_WIDE) / 4] = wide ? 1 : 0;
  const setups = plan.scratch.map((scratch) => ({
    module,
    memory,
    control: plan.control,
    scratch,
    layout: plan.gatherLayout,
    maxBatch: options.maxBatch,
  }));
  const pool = await ThreadPool.start({ host, threads, setups });
  return new SimdModel(options, plan, memory, pool);
}
