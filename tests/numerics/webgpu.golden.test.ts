/** The webgpu engine against the PyTorch references. */
import { expect, it } from 'vitest';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { verifyAgainstGolden } from '#engine/verify.ts';
import { GOLDEN_FILES } from '../support/golden.ts';
import { readNpz } from '../support/npz.ts';
import { describeWebgpu } from '../support/webgpu.ts';

/** One file of each kind: a software adapter takes seconds to compile the kernels of one size. */
const FILES = GOLDEN_FILES.filter((file) => /golden\/amn|centred/.test(file));

describeWebgpu('webgpu engine', () => {
  it.each(FILES)('agrees with %s', async (file) => {
    const engine = await createWebgpuEngine();
    const result = await verifyAgainstGolden(engine, await readNpz(file));
    await engine.dispose();
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ engine: 'webgpu', pass: true });
    expect(result.maxRelError.grad).toBeGreaterThan(0);
  });
});
