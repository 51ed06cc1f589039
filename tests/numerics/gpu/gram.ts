/** The large products of a Gram mixture on the GPU: the fit that simd alone makes, the same bits twice, and what is refused. */
import { expect, it } from 'vitest';
import { EngineFailure } from '#engine/failure.ts';
import type { GramConfig } from '#engine/gram/config.ts';
import { selectNearest, type GramDevice, type GramDeviceFactory } from '#engine/gram/device.ts';
import type { GramState } from '#engine/gram/state.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { relativeError } from '#engine/verify.ts';
import { GramProducts } from '#engine/webgpu/products/gram-products.ts';
import { SMALL_CONFIG, smallGramData } from '../../support/gram.ts';
import { simdHost } from '../../support/simd-host.ts';
import { describeWebgpu, GpuBench } from '../../support/webgpu.ts';

it('lists hold the largest values, the earlier of equals first, none of keys beyond the last', () => {
  const lists = { similarities: new Float32Array(6), ids: new Int32Array(6) };
  selectNearest(Float32Array.of(1, 3, 2, 3, 9, 5, 4, 6, 7, 9), 5, 4, lists);
  expect([...lists.ids]).toEqual([1, 3, 2, 3, 2, 0]);
  expect([...lists.similarities]).toEqual([3, 3, 2, 7, 6, 5]);
});

/** Small: the GPU may be one in software. */
const DATA = smallGramData(11, 16);
const CONFIG: GramConfig = { ...SMALL_CONFIG, clusters: 2, gate: { ...SMALL_CONFIG.gate, epochs: 1, gates: 1 } };

/** Relative L2 error of what a fit found, by name. */
function differences(actual: GramState, expected: GramState): Record<string, number> {
  expect([...actual.arrays.keys()]).toEqual([...expected.arrays.keys()]);
  return Object.fromEntries(
    [...expected.arrays].map(([name, b]) => [name, relativeError(actual.arrays.get(name)!, b)]),
  );
}

describeWebgpu('a Gram mixture on webgpu', () => {
  /** `change` breaks the device; null: the kernels of simd compute everything. */
  async function open(change: ((device: GramDevice) => GramDevice) | null, state?: GramState): Promise<GramTrainer> {
    const { gpu, pipelines } = new GpuBench();
    const runtime = await createRuntime({ host: await simdHost(), threads: 1 });
    const openDevice: GramDeviceFactory = (size) => change!(new GramProducts(gpu, pipelines, size));
    const options = { data: DATA, config: CONFIG, seed: 7, state };
    return GramTrainer.create(runtime, { ...options, openDevice: change ? openDevice : undefined });
  }
  const whole = (device: GramDevice) => device;

  /** Up to step `to`, or the end. */
  async function fit(trainer: GramTrainer, to = Infinity): Promise<GramState> {
    while (!trainer.isDone && trainer.state.step < to) await trainer.step();
    await trainer.dispose();
    return trainer.state;
  }

  it('is the mixture of simd within 1e-4, and the same bits after a stop', async () => {
    const [onSimd, onGpu] = [await fit(await open(null)), await fit(await open(whole))];
    expect(onGpu).not.toEqual(onSimd);
    for (const [name, difference] of Object.entries(differences(onGpu, onSimd))) {
      expect(difference, name).toBeLessThan(1e-4);
    }
    const stopped = await fit(await open(whole), 4);
    expect(await fit(await open(whole, stopped))).toEqual(onGpu);
  });

  it.each<[string, (device: GramDevice) => GramDevice]>([
    [
      'ridges 1.0e-3, neighbours',
      (device) => ({
        ...bound(device),
        ridgeProducts: async (...rows) => (await device.ridgeProducts(...rows)).map((value) => 1.001 * value),
      }),
    ],
    [
      'neighbours 1.0e-3',
      (device) => ({
        ...bound(device),
        similarities: async (...queries) => {
          const { values, pitch } = await device.similarities(...queries);
          return { values: values.map((value) => 1.001 * value), pitch };
        },
      }),
    ],
  ])('is refused where the device computes other products: %s', async (figures, change) => {
    const refusal = await open(change).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(EngineFailure);
    expect(String(refusal)).toContain(figures);
  });
});

function bound(device: GramDevice): GramDevice {
  return {
    ridgeProducts: device.ridgeProducts.bind(device),
    setKeys: device.setKeys.bind(device),
    similarities: device.similarities.bind(device),
    dispose: device.dispose.bind(device),
  };
}
