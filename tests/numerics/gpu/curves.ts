/** A run of the training loop on webgpu has the loss curves of simd. bench/gpu-curves.ts does it with all models, twice each. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSimdEngine } from '#engine/simd/index.ts';
import type { Engine, WindowSource } from '#engine/types.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { simdHost } from '../../support/simd-host.ts';
import { CURVE_SPECS, curveDifference, curveSource, trainCurves } from '../../support/webgpu-curves.ts';
import { describeWebgpu } from '../../support/webgpu.ts';

const [WINDOWS, BATCH, D] = [40, 9, 32];

describeWebgpu('5 epochs of the sample', () => {
  let simd: Engine;
  let webgpu: Engine;
  let source: WindowSource;
  beforeAll(async () => {
    simd = await createSimdEngine({ host: await simdHost(), threads: 1 });
    webgpu = await createWebgpuEngine();
    source = await curveSource(WINDOWS, D);
  });
  afterAll(async () => {
    await simd.dispose();
    await webgpu.dispose();
  });

  it('AMN: the loss curves of simd', async () => {
    const spec = { ...CURVE_SPECS[0], D };
    const expected = await trainCurves(simd, spec, source, BATCH);
    const actual = await trainCurves(webgpu, spec, source, BATCH);
    expect(expected.trainLoss).toHaveLength(5);
    expect(expected.valLoss[4]).toBeLessThan(expected.valLoss[0]);
    expect(curveDifference(actual.trainLoss, expected.trainLoss)).toBeLessThan(1e-3);
    expect(curveDifference(actual.valLoss, expected.valLoss)).toBeLessThan(1e-3);
  });
});
