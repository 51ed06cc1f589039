/**
 * The large products of a Gram mixture on the GPU. Values come from shared memory and are copied, since a queue takes none from
 * there. R windows of a block, L row length, N most keys.
 */
import { BLOCK_WINDOWS } from '../../gram/memory.ts';
import type { GramDevice } from '../../gram/device.ts';
import type { Gpu } from '../device/device.ts';
import { product, weightProduct } from './gemm.ts';
import type { Pipelines } from '../kernel.ts';
import { Memory, type Tensor } from '../device/memory.ts';
import { encode, Program } from '../program.ts';
import { readTensors } from '../device/readback.ts';
import { columnsOf, rowsOf } from '../rows.ts';
import { UNIFORM_BYTES, Uniforms } from '../uniforms.ts';

export interface GramSize {
  readonly L: number;
  readonly maxKeys: number;
}

export class GramProducts implements GramDevice {
  private readonly gpu: Gpu;
  private readonly size: GramSize;
  private readonly memory: Memory;
  private readonly uniforms = new Uniforms();
  private readonly uniformBuffer: GPUBuffer;
  /** [R, 3L] and [2L, 3L]. */
  private readonly rows: Tensor;
  private readonly sums: Tensor;
  /** [N, L], [R, L] and [R, N]. */
  private readonly keys: Tensor;
  private readonly queries: Tensor;
  private readonly products: Tensor;
  private readonly summing: Program;
  private readonly searching: Program;

  /** Throws RangeError where a buffer is larger than the device binds. */
  constructor(gpu: Gpu, pipelines: Pipelines, size: GramSize) {
    const R = BLOCK_WINDOWS;
    const { L, maxKeys: N } = size;
    const memory = new Memory(gpu, R);
    this.gpu = gpu;
    this.size = size;
    this.memory = memory;
    this.uniformBuffer = memory.uniform('uniforms', UNIFORM_BYTES);
    this.rows = memory.tensor('ridge rows', R * 3 * L);
    this.sums = memory.tensor('ridge products', 2 * L * 3 * L);
    this.keys = memory.tensor('keys', N * L);
    this.queries = memory.tensor('queries', R * L);
    this.products = memory.tensor('similarities', R * N);
    this.checkRoom();
    const rows = rowsOf(this.rows, 3 * L);
    this.summing = new Program(gpu, pipelines, this.uniformBuffer);
    weightProduct(this.summing, 'ridge products', { dy: columnsOf(rows, 0, 2 * L), x: rows, dweight: this.sums });
    this.searching = new Program(gpu, pipelines, this.uniformBuffer);
    const search = { x: rowsOf(this.queries, L), weight: this.keys, out: rowsOf(this.products, N) };
    product(this.searching, 'similarities', search);
  }

  private checkRoom(): void {
    const { memoryBytes } = this.gpu.adapter;
    const { bytes } = this.memory;
    if (typeof memoryBytes !== 'number' || bytes <= memoryBytes) return;
    this.memory.dispose();
    throw new RangeError(
      `webgpu engine: the products of the mixture take ${bytes} bytes of the GPU's memory; it has about ${memoryBytes}. ` +
        'Keep fewer keys or choose another engine.',
    );
  }

  async ridgeProducts(rows: Float32Array, count: number): Promise<Float32Array> {
    this.memory.write(this.rows, rows.slice());
    return this.run(this.summing, count, this.sums);
  }

  setKeys(keys: Float32Array, first: number): void {
    this.memory.write(this.keys, keys.slice(), first * this.size.L);
  }

  async similarities(queries: Float32Array, count: number) {
    const { maxKeys } = this.size;
    this.memory.write(this.queries, queries.slice());
    const values = await this.run(this.searching, count, { ...this.products, length: count * maxKeys });
    return { values, pitch: maxKeys };
  }

  dispose(): void {
    this.memory.dispose();
  }

  private async run(program: Program, count: number, out: Tensor): Promise<Float32Array> {
    const { gpu, uniforms } = this;
    gpu.check();
    uniforms.setBatch(count);
    gpu.device.queue.writeBuffer(this.uniformBuffer, 0, uniforms.bytes);
    gpu.device.queue.submit([encode(gpu, [program], count).finish()]);
    return readTensors(gpu, [out]);
  }
}
