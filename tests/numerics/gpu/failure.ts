/** What a GPU that fails says: real faults of a device of its own, and one that never answers. */
import { afterEach, expect, it, vi } from 'vitest';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { initialParameters } from '#engine/init.ts';
import { Gpu } from '#engine/webgpu/device/device.ts';
import { GpuFailure } from '#engine/webgpu/device/failure.ts';
import { Pipelines } from '#engine/webgpu/kernel.ts';
import { Memory } from '#engine/webgpu/device/memory.ts';
import { WebgpuModel } from '#engine/webgpu/model.ts';
import { readTensors } from '#engine/webgpu/device/readback.ts';
import { describeWebgpu } from '../../support/webgpu.ts';

const SPEC: GradientSpec = { type: 'amn', T: 2, D: 4, dModel: 4, hiddenDim: 4 };
const SMALL = {
  spec: SPEC,
  loss: { weights: lambdaOf({ mse: 1 }), tau: 0.1, marginDirectional: 0, marginAntiCopy: 0, varianceTarget: 1 },
  optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 0 },
  seed: 1,
  parameters: initialParameters(SPEC, 1),
  maxBatch: 2,
};

describeWebgpu('a GPU that fails', () => {
  const opened: Gpu[] = [];
  afterEach(() => {
    vi.restoreAllMocks();
    for (const gpu of opened.splice(0)) gpu.destroy();
  });

  /** Breaks a GPU, then reads from it. */
  async function failureOf(breakIt: (device: GPUDevice) => void, turnMs = 10_000): Promise<GpuFailure> {
    const gpu = await Gpu.open({ patience: { turnMs, turns: 3 } });
    opened.push(gpu);
    const tensor = new Memory(gpu).tensor('test', 4);
    breakIt(gpu.device);
    const failure = await readTensors(gpu, [tensor]).catch((error: unknown) => error);
    if (!(failure instanceof GpuFailure)) throw failure;
    // Everything later fails for the first reason.
    await expect(readTensors(gpu, [tensor])).rejects.toBe(failure);
    expect(() => gpu.check()).toThrow(failure);
    return failure;
  }

  it('a lost device', async () => {
    const { kind, message, remedy } = await failureOf((device) => device.destroy());
    expect({ kind, message }).toMatchObject({ kind: 'lost', message: expect.stringMatching(/^The GPU .+ was lost: /) });
    expect(remedy).toMatch(/restart the program.*another engine\.$/);
  });

  it('a kernel that is refused', async () => {
    const { kind, message } = await failureOf((device) => void device.createShaderModule({ code: 'fn main( {' }));
    expect(kind).toBe('refused');
    expect(message).toMatch(/^The GPU .+ refused a command: Error while parsing WGSL/);
    expect(message).not.toContain('\n');
  });

  it('memory that is used up', async () => {
    const { kind, message } = await failureOf((device) => {
      // As the device reports it, without taking the memory of the machine that runs this test.
      const event = Object.assign(new Event('uncapturederror'), { error: new GPUOutOfMemoryError('no room') });
      device.dispatchEvent(event);
    });
    expect(kind).toBe('memory');
    expect(message).toMatch(/has no memory left: no room\.$/);
  });

  it('lost during a prediction', async () => {
    const gpu = await Gpu.open();
    opened.push(gpu);
    const model = new WebgpuModel(gpu, new Pipelines(gpu), SMALL);
    const prediction = model.predict(new Float32Array(2 * 2 * 4), 2);
    gpu.device.destroy();
    // Nothing else is rejected: that would end the process.
    await expect(prediction).rejects.toThrow(/was lost/);
    await expect(model.predict(new Float32Array(2 * 2 * 4), 2)).rejects.toThrow(/was lost/);
  });

  it('no answer', async () => {
    const { kind, message } = await failureOf(() => {
      vi.spyOn(GPUBuffer.prototype, 'mapAsync').mockImplementation(() => new Promise(() => {}));
    }, 10);
    expect(kind).toBe('silent');
    expect(message).toMatch(/does not answer: nothing for 0\.03 s\.$/);
  });

  it('answers awaited at the same time share one timer, which stops after the last', async () => {
    const gpu = await Gpu.open();
    opened.push(gpu);
    const [started, stopped] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')];
    const [first, second] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const answers = [gpu.answer(first.promise), gpu.answer(second.promise)];
    first.resolve(1);
    await answers[0];
    expect(stopped).not.toHaveBeenCalled();
    second.resolve(2);
    expect(await answers[1]).toBe(2);
    expect([started.mock.calls.length, stopped.mock.calls.length]).toEqual([1, 1]);
  });
});
