/** The simd engine against the PyTorch references, in every build and for several thread counts and sizes. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { EngineHost } from '#engine/types.ts';
import { verifyAgainstGolden } from '#engine/verify.ts';
import { GOLDEN_FILES } from '../support/golden.ts';
import { KERNELS } from '../support/kernels.ts';
import { readNpz } from '../support/npz.ts';
import { simdHost } from '../support/simd-host.ts';

let host: EngineHost;
beforeAll(async () => {
  host = await simdHost();
});

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  describe.each([1, 2, 3])('%i threads', (threads) => {
    test.each(GOLDEN_FILES)('agrees with %s', async (file) => {
      const engine = await createSimdEngine({ host, threads, variant, wide });
      expect(engine.info.vectorBits).toBe(wide ? 256 : 128);
      expect(engine.info.threads).toBe(threads);
      const result = await verifyAgainstGolden(engine, await readNpz(file));
      await engine.dispose();
      expect(result.failures).toEqual([]);
      expect(result.pass).toBe(true);
      expect(result.maxRelError.grad).toBeGreaterThan(0);
    });
  });
});

test('a host without threads trains on one thread', async () => {
  const { spawnSimdThread: _none, ...single } = host;
  const engine = await createSimdEngine({ host: single, threads: 4 });
  expect(engine.info.threads).toBe(1);
  const result = await verifyAgainstGolden(engine, await readNpz(GOLDEN_FILES[0]));
  expect(result.failures).toEqual([]);
});
