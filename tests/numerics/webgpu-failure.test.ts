/** What a GPU that fails says: real faults of a device of its own, and one that never answers. */
import { afterEach, expect, it, vi } from 'vitest';
import { Gpu } from '#engine/webgpu/device.ts';
import { GpuFailure } from '#engine/webgpu/failure.ts';
import { Memory } from '#engine/webgpu/memory.ts';
import { readTensors } from '#engine/webgpu/readback.ts';
import { describeWebgpu } from '../support/webgpu.ts';

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

  it('no answer', async () => {
    const { kind, message } = await failureOf(() => {
      vi.spyOn(GPUBuffer.prototype, 'mapAsync').mockImplementation(() => new Promise(() => {}));
    }, 10);
    expect(kind).toBe('silent');
    expect(message).toMatch(/does not answer: nothing for 0\.03 s\.$/);
  });
});
