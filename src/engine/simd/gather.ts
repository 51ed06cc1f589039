/**
 * Copies batch rows from a shared vector store into WebAssembly memory, on whichever thread runs it. Kernels call it
 * through the `gather` import, so threads share the work without leaving their program.
 */
import type { SharedVectors } from '../types.ts';
import { SLOTS } from './input.ts';

/** Where a batch lies, as plain numbers that travel in one message. Byte offsets; rows are `rowBytes` apart. */
export interface GatherLayout {
  readonly T: number;
  readonly D: number;
  readonly rowBytes: number;
  readonly ids: readonly number[];
  readonly contexts: readonly number[];
  readonly targets: readonly number[];
}

export type HalfToFloat = (from: number, to: number, count: number) => void;

export class Gatherer {
  private readonly layout: GatherLayout;
  /** 2·D bytes of this thread for half precision. */
  private readonly scratch: number;
  private readonly rows: Float32Array;
  private readonly halves: Uint16Array;
  private readonly ids: readonly Uint32Array[];
  private source: SharedVectors | undefined;
  private segments: readonly (Float32Array | Uint16Array)[] = [];
  private index: Uint32Array = new Uint32Array(0);
  halfToFloat: HalfToFloat | undefined;

  constructor(memory: WebAssembly.Memory, layout: GatherLayout, scratch: number, maxB: number) {
    this.layout = layout;
    this.scratch = scratch;
    this.rows = new Float32Array(memory.buffer);
    this.halves = new Uint16Array(memory.buffer, scratch, layout.D);
    this.ids = Array.from({ length: SLOTS }, (_, slot) => new Uint32Array(memory.buffer, layout.ids[slot], maxB));
  }

  bind(source: SharedVectors): void {
    this.source = source;
    this.segments = source.segments.map((segment) =>
      source.dtype === 'float32' ? new Float32Array(segment) : new Uint16Array(segment),
    );
    this.index = new Uint32Array(source.index);
  }

  /** Batch rows [from, to) of one slot. */
  gather(slot: number, from: number, to: number): void {
    const { T, rowBytes, contexts, targets } = this.layout;
    for (let b = from; b < to; b++) {
      const window = this.ids[slot][b] * (T + 1);
      for (let t = 0; t < T; t++) this.copy(this.index[window + t], contexts[slot] + (b * T + t) * rowBytes);
      this.copy(this.index[window + T], targets[slot] + b * rowBytes);
    }
  }

  private copy(vector: number, to: number): void {
    const source = this.source;
    if (!source) throw new Error('gather: no vector store is bound');
    const { D } = this.layout;
    const segment = this.segments[Math.floor(vector / source.segmentRows)];
    const at = (vector % source.segmentRows) * D;
    const values = segment?.subarray(at, at + D);
    if (values?.length !== D) throw new Error(`gather: vector ${vector} lies outside the vector store`);
    if (source.dtype === 'float32') {
      this.rows.set(values, to / 4);
    } else {
      this.halves.set(values);
      this.halfToFloat?.(this.scratch, to, D);
    }
  }
}
