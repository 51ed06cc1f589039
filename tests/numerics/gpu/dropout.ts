/** Dropout masks of the webgpu engine: those of the simd engine, element by element. */
import { expect, it } from 'vitest';
import { HYPER } from '#engine/simd/hyper.ts';
import { writeDropoutKeys } from '#engine/simd/layers/dropout.ts';
import { WRITE } from '#engine/webgpu/kernel.ts';
import { Dropout } from '#engine/webgpu/layers/dropout.ts';
import { elementGroups, elementKernel } from '#engine/webgpu/wgsl.ts';
import { dropoutFactor, panelElement } from '../../reference/dropout.ts';
import { describeWebgpu, GpuBench } from '../../support/webgpu.ts';

const [SEED, STEP] = [5, 3];

/** The keys of a step as the simd engine writes them. */
function simdKeys(): [number, number] {
  const view = new DataView(new ArrayBuffer(4 * (HYPER.dropoutKey1 + 1)));
  writeDropoutKeys(view, 0, SEED, STEP);
  return [view.getUint32(4 * HYPER.dropoutKey0, true), view.getUint32(4 * HYPER.dropoutKey1, true)];
}

describeWebgpu('webgpu dropout', () => {
  it.each([
    { p: 0.1, site: 0, B: 5 },
    { p: 0.6, site: 19, B: 11 },
  ])('drops what simd drops: p $p, site $site, $B rows', async ({ p, site, B }) => {
    const [T, F, maxB] = [3, 7, 13];
    const bench = new GpuBench();
    bench.uniforms.setDropout(SEED, STEP);
    const mask = bench.tensor(new Float32Array(maxB * T * F).fill(-1));
    bench.run(
      B,
      (program) => {
        const declarations = new Dropout(p, site).sequence(program, F);
        const body = `mask[at] = keep_at(b, d / ${F}u, d % ${F}u);`;
        const kernel = elementKernel({ label: 'mask', buffers: { mask: WRITE }, declarations, columns: T * F, body });
        program.add(kernel, { mask }, elementGroups(T * F));
      },
      { training: true },
    );
    const keys = simdKeys();
    const stepRows = 8 * Math.ceil(B / 8);
    const expected = Array.from({ length: B * T * F }, (_, i) => {
      const [b, t, f] = [Math.floor(i / (T * F)), Math.floor(i / F) % T, i % F];
      return Math.fround(dropoutFactor(keys, site, panelElement(t * stepRows + b, f, F), p));
    });
    expect(expected).toContain(0);
    expect(Array.from((await bench.read(mask)).subarray(0, B * T * F))).toEqual(expected);
  });
});
