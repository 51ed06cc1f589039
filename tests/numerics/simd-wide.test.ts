/** The choice of wide tiles: taken only where they are measured to be faster and their products are exact. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { KERNEL_ABI } from '#engine/simd/abi/version.ts';
import { compareTiles } from '#engine/simd/runtime/wide.ts';
import { kernelFile } from '#engine/simd/runtime/variants.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { idleKernels } from '../support/idle-kernels.ts';
import { simdHost } from '../support/simd-host.ts';

beforeAll(async () => {
  await simdHost();
});

describe.each([true, false])('shared memory %s', (shared) => {
  test('both tile widths give exact products of small integers', async () => {
    const module = new WebAssembly.Module(readFileSync(resolve('resources', kernelFile('relaxed', shared))));
    const { narrowExact, wideExact, narrowMs, wideMs } = await compareTiles(module, shared);
    expect({ narrowExact, wideExact }).toEqual({ narrowExact: true, wideExact: true });
    expect(Math.min(narrowMs, wideMs)).toBeGreaterThan(0);
  });
});

test('tiles that compute nothing are not reported as exact', async () => {
  const { narrowExact, wideExact } = await compareTiles(new WebAssembly.Module(idleKernels(KERNEL_ABI)), false);
  expect({ narrowExact, wideExact }).toEqual({ narrowExact: false, wideExact: false });
});

test('a runtime without vector pairing gets 128-bit tiles without measuring', async () => {
  const host = await simdHost();
  const engine = await createSimdEngine({ host: { ...host, pairVectors: () => false }, threads: 1 });
  expect(engine.info.vectorBits).toBe(128);
});

test('little work gets 128-bit tiles without measuring', async () => {
  const host = await simdHost();
  const pairing = { ...host, pairVectors: () => true };
  const engine = await createSimdEngine({ host: pairing, threads: 1, work: 1e6 });
  expect(engine.info.vectorBits).toBe(128);
});
