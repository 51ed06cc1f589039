/** What a model needs of the device's memory is checked before it trains. */
import { afterEach, expect, it, vi } from 'vitest';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import type { ModelOptions } from '#engine/types.ts';
import type { Gpu } from '#engine/webgpu/device/device.ts';
import { createWebgpuEngine } from '#engine/webgpu/index.ts';
import { WebgpuModel } from '#engine/webgpu/model.ts';
import { ModelPlan } from '#engine/webgpu/plan.ts';
import { deviceNeed, requireMemory } from '#engine/webgpu/device/room.ts';
import { sharedStore } from '../../support/shared-store.ts';
import { describeWebgpu, GpuBench, SMALL_MODEL } from '../../support/webgpu.ts';

const SIZES = { T: 3, D: 8, dModel: 8, heads: 2, numLayers: 1, feedForward: 8 };
const SPEC: GradientSpec = { type: 'transformer', ...SIZES, dropout: 0 };

function options(maxBatch: number): ModelOptions {
  return {
    spec: SPEC,
    loss: { weights: lambdaOf({ mse: 1 }), tau: 0.1, marginDirectional: 0, marginAntiCopy: 0, varianceTarget: 1 },
    optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 0 },
    seed: 1,
    parameters: initialParameters(SPEC, 1),
    maxBatch,
  };
}

/** Counts buffers of `gpu` that nobody has destroyed; `extra`, if given, is created beside the first of them. */
function liveBuffers({ device }: Gpu, extra: readonly GPUBufferDescriptor[] = []): () => number {
  let live = 0;
  const waiting = [...extra];
  const create = device.createBuffer.bind(device);
  vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
    for (const more of waiting.splice(0)) hogs.push(create(more));
    const buffer = create(descriptor);
    live++;
    const destroy = buffer.destroy.bind(buffer);
    vi.spyOn(buffer, 'destroy').mockImplementationOnce(() => {
      live--;
      return destroy();
    });
    return buffer;
  });
  return () => live;
}
const hogs: GPUBuffer[] = [];

describeWebgpu('memory of the device', () => {
  afterEach(() => vi.restoreAllMocks());

  it('a batch with a buffer larger than a binding is refused, and what was allocated for it is freed', async () => {
    const { gpu, pipelines } = new GpuBench();
    const live = liveBuffers(gpu);
    const maxBatch = Math.floor(Math.sqrt(gpu.device.limits.maxStorageBufferBindingSize / 4)) + 1;
    const refusal =
      /takes \d+ bytes for a batch of \d+ rows; a binding of this GPU holds at most \d+\. Lower the batch/;
    await expect(requireMemory(gpu, options(maxBatch))).rejects.toThrow(refusal);
    expect(() => new WebgpuModel(gpu, pipelines, options(maxBatch))).toThrow(refusal);
    expect(gpu.device.createBuffer).toHaveBeenCalled();
    expect(live()).toBe(0);
  });

  it('what the driver refuses is refused with the bytes, and the device goes on', async () => {
    const { gpu } = new GpuBench();
    // A thousand gigabytes, which no GPU has.
    const gigabytes = Array.from({ length: 1000 }, () => ({ size: 2 ** 30, usage: GPUBufferUsage.STORAGE }));
    const live = liveBuffers(gpu, gigabytes);
    await expect(requireMemory(gpu, options(4))).rejects.toThrow(
      /the model and a batch of 4 rows take \d+ bytes of the GPU's memory; its driver refuses them \(.+\)\. Lower the batch/,
    );
    expect(live()).toBe(0);
    for (const hog of hogs.splice(0)) hog.destroy();
    gpu.check();
  });

  it('more than the machine has, where the GPU shares its memory, is refused with the bytes', async () => {
    const engine = await createWebgpuEngine({ memoryBytes: 4000 });
    await expect(engine.createModel(options(4))).rejects.toThrow(
      /the model and a batch of 4 rows take \d+ bytes of the GPU's memory; it has about 3000\. Lower the batch size/,
    );
    await engine.dispose();
  });

  it('the bytes of a model are counted without a device, as they are then allocated', () => {
    const { gpu, pipelines } = new GpuBench();
    const { memory } = new ModelPlan(gpu, pipelines, options(4));
    expect(deviceNeed(options(4), gpu.adapter)).toEqual({ bytes: memory.bytes, refusal: '' });
    memory.dispose();
  });

  it('vectors that do not fit beside the model are uploaded batch by batch', async () => {
    const { gpu, pipelines } = new GpuBench();
    const { T, D } = SMALL_MODEL.spec;
    const { shared } = sharedStore({ windows: 20, T, D, dtype: 'float32' });
    const full: Gpu = Object.create(gpu, { adapter: { value: { ...gpu.adapter, memoryBytes: 1000 } } });
    const model = new WebgpuModel(full, pipelines, SMALL_MODEL);
    await model.trainStep({ source: shared, ids: Uint32Array.from([1, 2]), lr: 0.01, step: 1 });
    expect(model.dispatches(2)).not.toContain('gather');
    model.dispose();
  });
});
