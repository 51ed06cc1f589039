/**
 * The simd engine: own WebAssembly kernels, explicit forward and backward, all cores. `createSimdEngine` picks the build
 * for this machine; `simdAvailability` says what it lacks, for `doctor` and Settings.
 */
import type { Engine, EngineAvailability, EngineHost, EngineInfo, ModelOptions } from '../types.ts';
import { SimdModel } from './model.ts';
import { planModel } from './plan.ts';
import { createRuntime, openMemory, type RuntimeOptions, type SimdRuntime } from './runtime/runtime.ts';
import { detectFeatures, VARIANT_NAMES } from './runtime/variants.ts';

export { SimdModel, type PhaseTime } from './model.ts';
export { VARIANTS, type Variant } from './runtime/variants.ts';

/** Raised when results change. */
const ENGINE_VERSION = '2';

export type SimdEngineOptions = RuntimeOptions;

export async function createSimdEngine(options: SimdEngineOptions): Promise<Engine> {
  const runtime = await createRuntime(options);
  const models = new Set<SimdModel>();
  return {
    info: runtimeInfo(runtime),
    async createModel(modelOptions: ModelOptions) {
      const model = await openSimdModel(runtime, modelOptions);
      models.add(model);
      return model;
    },
    async dispose() {
      for (const model of models) model.dispose();
      models.clear();
    },
  };
}

export function runtimeInfo({ threads, variant, wide }: SimdRuntime): EngineInfo {
  return {
    name: 'simd',
    version: ENGINE_VERSION,
    threads,
    variant: VARIANT_NAMES[variant],
    vectorBits: wide ? 256 : 128,
    deterministic: true,
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

export async function openSimdModel(runtime: SimdRuntime, options: ModelOptions): Promise<SimdModel> {
  const { maxBatch } = options;
  const plan = planModel(options, runtime.maxThreads);
  const tooLarge = `the model and a batch of ${maxBatch} rows need more than the 4 GiB a WebAssembly memory holds; use a smaller batch`;
  const { memory, pool } = await openMemory(runtime, { ...plan, maxBatch }, tooLarge);
  return new SimdModel(options, plan, memory, pool);
}
