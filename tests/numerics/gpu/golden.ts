/** The webgpu engine against the PyTorch references. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '#engine/types.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { verifyAgainstGolden } from '#engine/verify.ts';
import { GOLDEN_FILES } from '../../support/golden.ts';
import { readNpz } from '../../support/npz.ts';
import { describeWebgpu } from '../../support/webgpu.ts';

describeWebgpu('webgpu engine', () => {
  /** One for all files: a kernel that several of them need is compiled once. */
  let engine: Engine;
  beforeAll(async () => {
    engine = await createWebgpuEngine();
  });
  afterAll(() => engine.dispose());

  it.each(GOLDEN_FILES)('agrees with %s', async (file) => {
    const result = await verifyAgainstGolden(engine, await readNpz(file));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ engine: 'webgpu', pass: true });
    expect(result.maxRelError.grad).toBeGreaterThan(0);
  });
});
