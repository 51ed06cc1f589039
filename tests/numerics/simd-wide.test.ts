/** The choice of wide tiles: taken only where they are measured to be faster and their products are exact. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compareTiles } from '#engine/simd/wide.ts';
import { kernelFile } from '#engine/simd/variants.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { simdHost } from '../support/simd-host.ts';

beforeAll(async () => {
  await simdHost();
});

/** (import "env" "memory"), (export "tiles") of type (i32 × 7) → (), whose body does nothing. */
// prettier-ignore
const IDLE_TILES = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 11, 1, 0x60, 7, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0,
  2, 15, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0, 1,
  3, 2, 1, 0,
  7, 9, 1, 5, 0x74, 0x69, 0x6c, 0x65, 0x73, 0, 0,
  10, 4, 1, 2, 0, 0x0b,
]);

describe.each([true, false])('shared memory %s', (shared) => {
  test('both tile widths give exact products of small integers', async () => {
    const module = new WebAssembly.Module(readFileSync(resolve('resources', kernelFile('relaxed', shared))));
    const { narrowExact, wideExact, narrowMs, wideMs } = await compareTiles(module, shared);
    expect({ narrowExact, wideExact }).toEqual({ narrowExact: true, wideExact: true });
    expect(Math.min(narrowMs, wideMs)).toBeGreaterThan(0);
  });
});

test('tiles that compute nothing are not reported as exact', async () => {
  const { narrowExact, wideExact } = await compareTiles(new WebAssembly.Module(IDLE_TILES), false);
  expect({ narrowExact, wideExact }).toEqual({ narrowExact: false, wideExact: false });
});

test('a runtime without vector pairing gets 128-bit tiles without measuring', async () => {
  const host = await simdHost();
  const engine = await createSimdEngine({ host: { ...host, pairVectors: () => false }, threads: 1 });
  expect(engine.info.vectorBits).toBe(128);
});
