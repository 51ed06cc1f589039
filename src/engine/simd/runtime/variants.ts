/** The four builds of the kernels and which of them this machine can run. */
import { relaxedSimd, simd, threads } from 'wasm-feature-detect';

export const VARIANTS = ['relaxed', 'simd128'] as const;
export type Variant = (typeof VARIANTS)[number];

/** The word that goes into a run's record. */
export const VARIANT_NAMES: Readonly<Record<Variant, string>> = {
  relaxed: 'relaxed-simd-fma',
  simd128: 'simd128',
};

export interface Features {
  readonly simd: boolean;
  readonly relaxed: boolean;
  /** Shared memory and atomics. */
  readonly threads: boolean;
}

export async function detectFeatures(): Promise<Features> {
  const [hasSimd, hasRelaxed, hasThreads] = await Promise.all([simd(), relaxedSimd(), threads()]);
  return { simd: hasSimd, relaxed: hasRelaxed, threads: hasThreads };
}

/** File below `resources/`. The build for one thread needs neither shared memory nor atomics. */
export function kernelFile(variant: Variant, shared: boolean): string {
  return `wasm/kernels-${variant}${shared ? '' : '-single'}.wasm`;
}
