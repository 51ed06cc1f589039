/** Device memory of one model: tensors of float32, each in a buffer of its own or a range of one. */
/** Elements of 4 bytes in a range of a buffer; offsets are multiples of `ALIGNMENT` elements. */
export interface Tensor {
  readonly buffer: GPUBuffer;
  /** First element. */
  readonly offset: number;
  readonly length: number;
}

/** Bindings begin at multiples of 256 bytes. */
const ALIGNMENT = 64;
const ELEMENT_BYTES = 4;

/** Elements rounded up so that the next range begins at a multiple of `ALIGNMENT`. */
export function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/** `length` elements of `tensor` from `offset` on, a multiple of `ALIGNMENT`. */
export function slice(tensor: Tensor, offset: number, length: number): Tensor {
  return { buffer: tensor.buffer, offset: tensor.offset + offset, length };
}

/** Where buffers come from. */
export interface BufferSource {
  readonly maxBindingBytes: number;
  createBuffer(label: string, bytes: number, kind: 'storage' | 'uniform'): GPUBuffer;
  writeBuffer(buffer: GPUBuffer, atByte: number, values: Float32Array | Uint32Array): void;
}

/** Buffers whose bytes are counted, and nothing else. */
export function countedBuffers(maxBindingBytes: number): BufferSource {
  return {
    maxBindingBytes,
    createBuffer: () => ({ destroy() {} }) as GPUBuffer,
    writeBuffer() {},
  };
}

export class Memory {
  private readonly source: BufferSource;
  private readonly maxB: number | undefined;
  /** Of everything allocated. */
  bytes = 0;
  private readonly buffers: GPUBuffer[] = [];
  private readonly scratches = new Map<string, Tensor>();

  /** `maxB`: rows of the largest batch, for errors; absent where no tensor depends on it. */
  constructor(source: BufferSource, maxB?: number) {
    this.source = source;
    this.maxB = maxB;
  }

  /**
   * `length` elements of 4 bytes, zero. Where they are more than one binding of the device holds, throws and frees everything
   * allocated before.
   */
  tensor(label: string, length: number): Tensor {
    const limit = this.source.maxBindingBytes;
    if (length * ELEMENT_BYTES > limit) {
      this.dispose();
      throw this.tooLarge(label, length * ELEMENT_BYTES, limit);
    }
    const bytes = Math.max(1, aligned(length)) * ELEMENT_BYTES;
    return { buffer: this.buffer(label, bytes, 'storage'), offset: 0, length };
  }

  /** Like `tensor`, but one for all of the same label: its values last until the next layer uses it. */
  scratch(label: string, length: number): Tensor {
    const key = `${label} ${length}`;
    const tensor = this.scratches.get(key) ?? this.tensor(label, length);
    this.scratches.set(key, tensor);
    return tensor;
  }

  uniform(label: string, bytes: number): GPUBuffer {
    return this.buffer(label, bytes, 'uniform');
  }

  /** Before everything submitted later. */
  write(tensor: Tensor, values: Float32Array | Uint32Array, at = 0): void {
    this.source.writeBuffer(tensor.buffer, (tensor.offset + at) * ELEMENT_BYTES, values);
  }

  dispose(): void {
    for (const buffer of this.buffers) buffer.destroy();
    this.buffers.length = 0;
    this.bytes = 0;
    this.scratches.clear();
  }

  private tooLarge(label: string, bytes: number, limit: number): RangeError {
    const batch = this.maxB === undefined ? '' : ` for a batch of ${this.maxB} rows`;
    return new RangeError(
      `webgpu engine: "${label}" takes ${bytes} bytes${batch}; a binding of this GPU holds at most ${limit}. ` +
        'Lower the batch size or choose another engine.',
    );
  }

  private buffer(label: string, bytes: number, kind: 'storage' | 'uniform'): GPUBuffer {
    const buffer = this.source.createBuffer(label, bytes, kind);
    this.buffers.push(buffer);
    this.bytes += bytes;
    return buffer;
  }
}

/** The part of a binding that names `tensor`. */
export function binding({ buffer, offset, length }: Tensor): GPUBufferBinding {
  return { buffer, offset: offset * ELEMENT_BYTES, size: Math.max(1, length) * ELEMENT_BYTES };
}
