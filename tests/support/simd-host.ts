/** EngineHost for the simd engine: kernels built when out of date, threads from the source tree. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineHost } from '#engine/types.ts';
import { nodeEngineHost } from '../../src/main/processes/engine-host.ts';

export async function simdHost(): Promise<EngineHost> {
  const script = (await import(pathToFileURL(resolve('scripts/build-kernels.mjs')).href)) as {
    buildKernels(): Promise<string[]>;
  };
  await script.buildKernels();
  return nodeEngineHost(resolve('resources'));
}
