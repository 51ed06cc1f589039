/** Reads device memory back without blocking: staging buffers are used in turn and mapped when their copy is done. */
import type { Gpu } from './device.ts';
import type { Tensor } from './memory.ts';

const ELEMENT_BYTES = 4;

/** Values of tensors, one after the other. */
export type Values = Promise<Float32Array<ArrayBuffer>>;

export class Readback {
  private readonly gpu: Gpu;
  private readonly bytes: number;
  private readonly free: GPUBuffer[] = [];

  /** For copies of up to `length` elements. */
  constructor(gpu: Gpu, length: number) {
    this.gpu = gpu;
    this.bytes = length * ELEMENT_BYTES;
  }

  /** Records the copy of `tensors`; the returned function, called after the submit, gives their values. */
  record(encoder: GPUCommandEncoder, tensors: readonly Tensor[]): () => Values {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.free.pop() ?? this.gpu.device.createBuffer({ label: 'readback', size: this.bytes, usage });
    let end = 0;
    for (const { buffer, offset, length } of tensors) {
      encoder.copyBufferToBuffer(buffer, offset * ELEMENT_BYTES, staging, end, length * ELEMENT_BYTES);
      end += length * ELEMENT_BYTES;
    }
    return async () => {
      await this.gpu.answer(staging.mapAsync(GPUMapMode.READ, 0, end));
      const values = new Float32Array(staging.getMappedRange(0, end)).slice();
      staging.unmap();
      this.free.push(staging);
      return values;
    };
  }

  dispose(): void {
    for (const buffer of this.free) buffer.destroy();
    this.free.length = 0;
  }
}

/** Values of `tensors` once, without a buffer that is kept. */
export async function readTensors(gpu: Gpu, tensors: readonly Tensor[]): Values {
  const length = tensors.reduce((sum, tensor) => sum + tensor.length, 0);
  const readback = new Readback(gpu, length);
  const encoder = gpu.device.createCommandEncoder();
  const values = readback.record(encoder, tensors);
  gpu.device.queue.submit([encoder.finish()]);
  try {
    return await values();
  } finally {
    readback.dispose();
  }
}
