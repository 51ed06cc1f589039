/**
 * Copies batch rows into WebAssembly memory, on whichever thread runs it: from a vector store in shared memory, or from
 * the store's file. Kernels call it through the `gather` import, so threads share the work without leaving their program.
 */
import type { PagedVectors, SharedVectors } from '../types.ts';
import { PageReader } from './pages.ts';

/** Batches in memory: one is gathered while the other trains. */
export const SLOTS = 2;

/** What a thread gathers from. */
export type VectorStore = SharedVectors | PagedVectors;

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

/** Brings vectors [first, first + count) to rows of WebAssembly memory that follow each other from byte `to` on. */
type CopyRows = (first: number, count: number, to: number) => void;

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

export class Gatherer {
  private readonly layout: GatherLayout;
  /** 2·D bytes of this thread for half precision. */
  private readonly scratch: number;
  private readonly bytes: Uint8Array;
  private readonly rows: Float32Array;
  private readonly halves: Uint16Array;
  private readonly ids: readonly Uint32Array[];
  private copy: CopyRows | undefined;
  private pages: PageReader | undefined;
  private index: Uint32Array = new Uint32Array(0);
  halfToFloat: HalfToFloat | undefined;

  constructor(memory: WebAssembly.Memory, layout: GatherLayout, scratch: number, maxB: number) {
    this.layout = layout;
    this.scratch = scratch;
    this.bytes = new Uint8Array(memory.buffer);
    this.rows = new Float32Array(memory.buffer);
    this.halves = new Uint16Array(memory.buffer, scratch, layout.D);
    this.ids = Array.from({ length: SLOTS }, (_, slot) => new Uint32Array(memory.buffer, layout.ids[slot], maxB));
  }

  bind(source: VectorStore): void {
    this.close();
    this.copy = 'segments' in source ? this.fromMemory(source) : this.fromFile(source);
    this.index = new Uint32Array(source.index);
  }

  /** Releases a file. */
  close(): void {
    this.pages?.close();
    this.pages = undefined;
    this.copy = undefined;
  }

  /** Batch rows [from, to) of one slot. */
  gather(slot: number, from: number, to: number): void {
    const { T, rowBytes, contexts, targets } = this.layout;
    const { copy, index } = this;
    if (!copy) throw new Error('gather: no vector store is bound');
    for (let b = from; b < to; b++) {
      const window = this.ids[slot][b] * (T + 1);
      if (window + T >= index.length)
        throw new Error(`gather: window ${this.ids[slot][b]} lies outside the vector store`);
      for (let t = 0; t < T;) {
        let run = 1;
        while (t + run < T && index[window + t + run] === index[window + t] + run) run++;
        copy(index[window + t], run, contexts[slot] + (b * T + t) * rowBytes);
        t += run;
      }
      copy(index[window + T], 1, targets[slot] + b * rowBytes);
    }
  }

  private fromMemory(source: SharedVectors): CopyRows {
    const { D, rowBytes } = this.layout;
    const { dtype, segmentRows } = source;
    const segments = source.segments.map((segment) =>
      dtype === 'float32' ? new Float32Array(segment) : new Uint16Array(segment),
    );
    const isGapless = dtype === 'float32' && rowBytes === D * FLOAT_BYTES;
    return (first, count, to) => {
      // Consecutive vectors of one segment are one copy.
      for (let done = 0, piece = 1; done < count; done += piece) {
        const vector = first + done;
        const row = vector % segmentRows;
        piece = isGapless ? Math.min(count - done, segmentRows - row) : 1;
        const values = segments[Math.floor(vector / segmentRows)]?.subarray(row * D, (row + piece) * D);
        if (values?.length !== piece * D) throw outside(vector);
        const target = to + done * rowBytes;
        if (values instanceof Float32Array) this.rows.set(values, target / FLOAT_BYTES);
        else this.widen(values, target);
      }
    };
  }

  /** Consecutive vectors cost one read. */
  private fromFile({ dtype, file, vectors }: PagedVectors): CopyRows {
    const { T, D, rowBytes } = this.layout;
    const pages = new PageReader(file);
    this.pages = pages;
    const staged = new Uint16Array(dtype === 'float16' ? T * D : 0);
    const stagedBytes = new Uint8Array(staged.buffer);
    const isGapless = rowBytes === D * FLOAT_BYTES;
    return (first, count, to) => {
      if (first + count > vectors) throw outside(first + count - 1);
      if (dtype === 'float16') {
        pages.read(stagedBytes, 0, count * D * HALF_BYTES, first * D * HALF_BYTES);
        for (let i = 0; i < count; i++) this.widen(staged.subarray(i * D, (i + 1) * D), to + i * rowBytes);
        return;
      }
      const piece = isGapless ? count : 1;
      for (let i = 0; i < count; i += piece) {
        pages.read(this.bytes, to + i * rowBytes, piece * D * FLOAT_BYTES, (first + i) * D * FLOAT_BYTES);
      }
    };
  }

  private widen(values: Uint16Array, to: number): void {
    this.halves.set(values);
    this.halfToFloat?.(this.scratch, to, this.layout.D);
  }
}

function outside(vector: number): Error {
  return new Error(`gather: vector ${vector} lies outside the vector store`);
}
