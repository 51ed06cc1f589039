/** Loads the compiled kernels and checks that they were built for this program: see abi/version.ts. */
import type { EngineHost } from '../../types.ts';
import { KERNEL_ABI } from '../abi/version.ts';
import type { HalfToFloat } from '../gather.ts';
import { kernelFile, type Variant } from './variants.ts';

/** Addresses are byte offsets into the memory. */
export interface KernelExports {
  readonly abi?: WebAssembly.Global<'i32'>;
  run(control: number, program: number, ops: number, threads: number, scratch: number, profile: number): void;
  serve(control: number, sequence: number, scratch: number): number;
  interrupt(control: number, command: number): void;
  halfToFloat: HalfToFloat;
  tiles(a: number, b: number, c: number, depth: number, out: number, asWide: boolean, rounds: number): void;
}

export interface KernelImports {
  readonly memory: WebAssembly.Memory;
  readonly gather: (slot: number, from: number, to: number) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Compiles one build of the kernels. Throws when it is of another ABI. */
export async function loadKernels(host: EngineHost, variant: Variant, shared: boolean): Promise<WebAssembly.Module> {
  const module = await WebAssembly.compile(await host.readResource(kernelFile(variant, shared)));
  openKernels(module, idleImports(shared));
  return module;
}

/** One instance. Throws when the module is of another ABI. */
export function openKernels(module: WebAssembly.Module, imports: KernelImports): KernelExports {
  const instance = new WebAssembly.Instance(module, { env: { ...imports } });
  const kernels = instance.exports as unknown as KernelExports;
  const abi = kernels.abi?.value;
  if (abi === KERNEL_ABI) return kernels;
  throw new Error(
    `simd engine: the kernels in resources/wasm have ${nameOf(abi)}, this program needs ${nameOf(KERNEL_ABI)}; run "npm run build:kernels"`,
  );
}

function nameOf(abi: number | undefined): string {
  return abi === undefined ? 'no ABI number' : `ABI 0x${abi.toString(16)}`;
}

/** One page of memory, for an instance that runs no program. */
export function idleImports(shared: boolean): KernelImports {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
  return { memory, gather: () => {}, now: () => 0 };
}
