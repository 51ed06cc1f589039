/**
 * 5 epochs of every model, small, over a cut of the sample: twice on webgpu, which must give the same bytes, and once on simd,
 * whose loss curves must be within 1e-3. Works on the software adapter where there is no GPU. Prints one JSON line a model.
 * Usage: node bench/gpu-curves.ts [--windows 400] [--batch 9]
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { adapterWords } from '#shared/domain/runs/adapter.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { simdHost } from '../tests/support/simd-host.ts';
import { CURVE_SPECS, curveDifference, curveSource, trainCurves } from '../tests/support/webgpu-curves.ts';

const { values } = parseArgs({
  options: { windows: { type: 'string', default: '400' }, batch: { type: 'string', default: '9' } },
});
const batch = Number(values.batch);
const source = await curveSource(Number(values.windows));
const simd = await createSimdEngine({ host: await simdHost(), threads: 1 });
const webgpu = await createWebgpuEngine();
console.error(webgpu.info.adapter && adapterWords(webgpu.info.adapter));
for (const spec of CURVE_SPECS) {
  const expected = await trainCurves(simd, spec, source, batch);
  const first = await trainCurves(webgpu, spec, source, batch);
  assert.deepEqual(await trainCurves(webgpu, spec, source, batch), first, 'two runs on webgpu differ');
  const [train, validation] = (['trainLoss', 'valLoss'] as const).map((name) =>
    curveDifference(first[name], expected[name]),
  );
  const { type: model } = spec;
  console.log(JSON.stringify({ model, steps: first.steps, train, validation, valLoss: first.valLoss }));
  assert.ok(train <= 1e-3 && validation <= 1e-3, `${model}: the curves of simd and webgpu differ`);
}
await simd.dispose();
await webgpu.dispose();
