/**
 * Vectors and window index of a data set in device memory, from which a batch is gathered by its window ids. Vectors of
 * float16 stay so. Sets larger than one binding are kept in shards. T context length, D width.
 */
import type { SharedVectors } from '../types.ts';
import type { Gpu } from './device/device.ts';
import type { BatchInput } from './input.ts';
import { READ, READ_U32, WRITE, type Buffers, type Kernel } from './kernel.ts';
import { Memory, type Tensor } from './device/memory.ts';
import type { Program } from './program.ts';
import { elementGroups, elementKernel } from './wgsl.ts';

/** Shards that one kernel reads, beside index, ids, contexts and targets. */
const KERNEL_SHARDS = 4;
/** Bytes that are handed to the device at once. */
const CHUNK_BYTES = 1 << 23;

function bytesOf({ segments, index }: SharedVectors): number {
  return [...segments, index].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

export class ResidentVectors {
  private readonly memory: Memory;
  private readonly isHalf: boolean;
  private readonly D: number;
  private readonly index: Tensor;
  private readonly shards: readonly Tensor[];
  /** Vectors of each shard but the last, an even number. */
  private readonly shardRows: number;

  /**
   * null where the device has not enough memory for them beside `takenBytes`, or no binding large enough for the index.
   */
  static async load(gpu: Gpu, vectors: SharedVectors, D: number, takenBytes = 0): Promise<ResidentVectors | null> {
    const { adapter, dataLimits } = gpu;
    const room = Math.min(dataLimits.bytes, (adapter.memoryBytes ?? Infinity) - takenBytes);
    if (bytesOf(vectors) > room || vectors.index.byteLength > dataLimits.bufferBytes) return null;
    gpu.device.pushErrorScope('out-of-memory');
    const resident = new ResidentVectors(gpu, vectors, D);
    if (await gpu.device.popErrorScope()) {
      resident.dispose();
      return null;
    }
    resident.upload(vectors);
    return resident;
  }

  private constructor(gpu: Gpu, { dtype, segments, index }: SharedVectors, D: number) {
    this.memory = new Memory(gpu);
    this.isHalf = dtype === 'float16';
    this.D = D;
    const rowBytes = D * (this.isHalf ? 2 : 4);
    const rows = Math.floor(segments.reduce((sum, { byteLength }) => sum + byteLength, 0) / rowBytes);
    this.shardRows = Math.min(2 * Math.floor(gpu.dataLimits.bufferBytes / rowBytes / 2), 2 * Math.ceil(rows / 2));
    this.index = this.memory.tensor('window index', index.byteLength / 4);
    this.shards = Array.from({ length: Math.ceil(rows / this.shardRows) }, () =>
      this.memory.tensor('vectors', Math.ceil((this.shardRows * rowBytes) / 4)),
    );
  }

  dispose(): void {
    this.memory.dispose();
  }

  /** Gathers the windows `ids` into the contexts and targets of `input`. */
  gather(program: Program, input: BatchInput, ids: Tensor): void {
    const { T, D, contexts, targets } = input;
    const { index } = this;
    for (let first = 0; first < this.shards.length; first += KERNEL_SHARDS) {
      const shards = this.shards.slice(first, first + KERNEL_SHARDS);
      const named = Object.fromEntries(shards.map((shard, i) => [`shard${i}`, shard]));
      const kernel = this.kernel(T, first, shards.length);
      program.add(kernel, { index, ids, contexts, targets, ...named }, elementGroups((T + 1) * D));
    }
  }

  private kernel(T: number, first: number, count: number): Kernel<Buffers> {
    const { D, shardRows, isHalf } = this;
    const use = isHalf ? READ_U32 : READ;
    const names = Array.from({ length: count }, (_, i) => `shard${i}`);
    const value = (name: string) =>
      isHalf ? `unpack2x16float(${name}[element / 2u])[element % 2u]` : `${name}[element]`;
    const cases = names.map((name, i) => `case ${first + i}u: { value = ${value(name)}; }`);
    const body = `let position = d / ${D}u;
  let vector = index[ids[b] * ${T + 1}u + position];
  let element = (vector % ${shardRows}u) * ${D}u + d % ${D}u;
  var value = 0.0;
  switch (vector / ${shardRows}u) {
    ${cases.join('\n    ')}
    default: { return; }
  }
  if (position < ${T}u) { contexts[b * ${T * D}u + d] = value; } else { targets[b * ${D}u + d % ${D}u] = value; }`;
    return elementKernel({
      label: 'gather',
      buffers: {
        index: READ_U32,
        ids: READ_U32,
        contexts: WRITE,
        targets: WRITE,
        ...Object.fromEntries(names.map((name) => [name, use])),
      },
      columns: (T + 1) * D,
      body,
    });
  }

  private upload({ segments, segmentRows, index }: SharedVectors): void {
    this.copy(index, this.index, 0);
    const rowBytes = this.D * (this.isHalf ? 2 : 4);
    segments.forEach((segment, s) => {
      const rows = Math.floor(segment.byteLength / rowBytes);
      for (let row = 0; row < rows;) {
        const place = s * segmentRows + row;
        const inShard = place % this.shardRows;
        const count = Math.min(rows - row, this.shardRows - inShard);
        const bytes = new Uint8Array(segment, row * rowBytes, count * rowBytes);
        this.copy(bytes, this.shards[Math.floor(place / this.shardRows)], inShard * rowBytes);
        row += count;
      }
    });
  }

  /** Copies bytes to byte `at` of a tensor; the last word of what is no multiple of 4 bytes is filled with zeros. */
  private copy(from: SharedArrayBuffer | Uint8Array, to: Tensor, at: number): void {
    const bytes = from instanceof Uint8Array ? from : new Uint8Array(from);
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      const part = bytes.subarray(start, start + CHUNK_BYTES);
      const words = new Uint32Array(Math.ceil(part.length / 4));
      new Uint8Array(words.buffer).set(part);
      this.memory.write(to, words, (at + start) / 4);
    }
  }
}
