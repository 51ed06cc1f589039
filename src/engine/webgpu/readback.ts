/** Reads device memory back without blocking: staging buffers are used in turn and mapped when their copy is done. */
import type { Gpu } from './device.ts';
import type { Tensor } from './memory.ts';

const ELEMENT_BYTES = 4;

export class Readback {
  private readonly gpu: Gpu;
  private readonly bytes: number;
  private readonly free: GPUBuffer[] = [];

  /** For copies of up to `length` elements. */
  constructor(gpu: Gpu, length: number) {
    this.gpu = gpu;
    this.bytes = length * ELEMENT_BYTES;
  }

  /** Records the copy of `tensor`; the returned function, called after the submit, gives its values. */
  record(encoder: GPUCommandEncoder, { buffer, offset, length }: Tensor): () => Promise<Float32Array<ArrayBuffer>> {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.free.pop() ?? this.gpu.device.createBuffer({ label: 'readback', size: this.bytes, usage });
    encoder.copyBufferToBuffer(buffer, offset * ELEMENT_BYTES, staging, 0, length * ELEMENT_BYTES);
    return async () => {
      try {
        await staging.mapAsync(GPUMapMode.READ, 0, length * ELEMENT_BYTES);
      } catch (error) {
        this.gpu.check();
        throw error;
      }
      const values = new Float32Array(staging.getMappedRange(0, length * ELEMENT_BYTES)).slice();
      staging.unmap();
      this.free.push(staging);
      this.gpu.check();
      return values;
    };
  }

  dispose(): void {
    for (const buffer of this.free) buffer.destroy();
    this.free.length = 0;
  }
}
