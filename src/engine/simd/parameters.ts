/**
 * The parameters of a model in one contiguous bank, so that AdamW and its moments are a single range. The same relative
 * layout holds for weights, gradients and both moments; `pack` and `unpack` translate from and to PyTorch's row-major
 * tensors.
 */
import type { NamedTensors } from '../types.ts';
import { BLOCK_OUTPUTS, FLOAT_BYTES, paddedFeatures, roundUp, type Arena } from './layout.ts';

interface Entry {
  readonly names: readonly string[];
  readonly lengths: readonly number[];
  /** Copies tensors (in the order of `names`) into the bank; `floats` starts at the entry. */
  pack(floats: Float32Array, tensors: readonly Float32Array[]): void;
  unpack(floats: Float32Array, tensors: readonly Float32Array[]): void;
  readonly at: number;
  readonly floats: number;
}

/** Names of the two tensors of a Linear that are not `name.weight` and `name.bias`. */
export interface LinearNames {
  readonly weight: string;
  readonly bias: string;
}

/** Weight blocks of one Linear: byte offset inside the bank and the sizes the kernels need. */
export interface WeightBlocks {
  readonly offset: number;
  /** Bytes from one block of 12 outputs to the next. */
  readonly pitch: number;
  readonly blocks: number;
  readonly outputs: number;
  /** Inputs with the padding between segments and at the end (K'). */
  readonly inputs: number;
  readonly biasRow: number;
}

export type BankName = 'weights' | 'gradients' | 'm' | 'v';

export class ParameterBank {
  private readonly entries: Entry[] = [];
  private size = 0;
  /** Floats before the first constant. */
  private trained = 0;
  private bases: Record<BankName, number> | undefined;

  /**
   * Linear weight [outputs, Σ segments] and bias. Segments are inputs that lie in separately padded parts of the
   * activation, e.g. [base, mix]. Several outputs are segments padded in the same way; see `outputPart`.
   */
  linear(name: string | LinearNames, segments: readonly number[], out: number | readonly number[]): WeightBlocks {
    const map = segmentMap(segments);
    const outputMap = segmentMap(typeof out === 'number' ? [out] : out);
    const inputs = roundUp(map[map.length - 1] + 1, BLOCK_OUTPUTS);
    const outputs = outputMap.length;
    const blocks = Math.ceil((outputMap[outputs - 1] + 1) / BLOCK_OUTPUTS);
    const pitchFloats = (inputs + 1) * BLOCK_OUTPUTS;
    const position = (n: number, row: number) =>
      Math.floor(outputMap[n] / BLOCK_OUTPUTS) * pitchFloats + row * BLOCK_OUTPUTS + (outputMap[n] % BLOCK_OUTPUTS);
    const K = map.length;
    const visit = (act: (bank: number, tensor: number, index: number) => void) => {
      for (let n = 0; n < outputs; n++) {
        for (let k = 0; k < K; k++) act(position(n, map[k]), 0, n * K + k);
        act(position(n, inputs), 1, n);
      }
    };
    const names = typeof name === 'string' ? [`${name}.weight`, `${name}.bias`] : [name.weight, name.bias];
    const at = this.add(names, [outputs * K, outputs], blocks * pitchFloats, visit);
    return { offset: at * FLOAT_BYTES, pitch: pitchFloats * FLOAT_BYTES, blocks, outputs, inputs, biasRow: inputs };
  }

  /** A vector parameter; returns its byte offset inside the bank. */
  vector(name: string, length: number): number {
    const visit = (act: (bank: number, tensor: number, index: number) => void) => {
      for (let i = 0; i < length; i++) act(i, 0, i);
    };
    return this.add([name], [length], roundUp(length, 4), visit) * FLOAT_BYTES;
  }

  /** A matrix parameter [rows, columns] kept as rows of `pitch` floats, the rest of each row zero; its byte offset. */
  rows(name: string, rows: number, columns: number, pitch: number): number {
    const visit = (act: (bank: number, tensor: number, index: number) => void) => {
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) act(r * pitch + c, 0, r * columns + c);
    };
    return this.add([name], [rows * columns], rows * pitch, visit) * FLOAT_BYTES;
  }

  /** A vector that is stored with the parameters but never updated, at least `room` floats; add it after them. Its byte offset. */
  constant(name: string, length: number, room = length): number {
    const visit = (act: (bank: number, tensor: number, index: number) => void) => {
      for (let i = 0; i < length; i++) act(i, 0, i);
    };
    const { trained } = this;
    const at = this.add([name], [length], room, visit);
    this.trained = trained;
    return at * FLOAT_BYTES;
  }

  /** Bytes of one bank. */
  get bytes(): number {
    return this.size * FLOAT_BYTES;
  }

  /** Bytes of one bank up to the first constant. */
  get trainedBytes(): number {
    return this.trained * FLOAT_BYTES;
  }

  /** Reserves the four banks. */
  place(arena: Arena): void {
    const one = () => arena.bytes(this.bytes);
    this.bases = { weights: one(), gradients: one(), m: one(), v: one() };
  }

  /** Byte address of `offset` in a bank. */
  address(bank: BankName, offset = 0): number {
    if (!this.bases) throw new Error('simd parameters: the banks are not placed yet');
    return this.bases[bank] + offset;
  }

  write(buffer: ArrayBufferLike, bank: BankName, tensors: NamedTensors): void {
    const all = new Float32Array(buffer, this.address(bank), this.size);
    for (const entry of this.entries) {
      const parts = entry.names.map((name, i) => takeTensor(tensors, name, entry.lengths[i]));
      entry.pack(all.subarray(entry.at, entry.at + entry.floats), parts);
    }
  }

  read(buffer: ArrayBufferLike, bank: BankName): NamedTensors {
    const all = new Float32Array(buffer, this.address(bank), this.size);
    const tensors: NamedTensors = new Map();
    for (const entry of this.entries) {
      const parts = entry.lengths.map((length) => new Float32Array(length));
      entry.unpack(all.subarray(entry.at, entry.at + entry.floats), parts);
      entry.names.forEach((name, i) => tensors.set(name, parts[i]));
    }
    return tensors;
  }

  private add(
    names: readonly string[],
    lengths: readonly number[],
    floats: number,
    visit: (act: (bank: number, tensor: number, index: number) => void) => void,
  ): number {
    const at = this.size;
    this.size += roundUp(floats, 16);
    this.trained = this.size;
    this.entries.push({
      names,
      lengths,
      at,
      floats,
      pack: (bank, tensors) => visit((to, tensor, index) => (bank[to] = tensors[tensor][index])),
      unpack: (bank, tensors) => visit((from, tensor, index) => (tensors[tensor][index] = bank[from])),
    });
    return at;
  }
}

/** The blocks of `outputs` outputs that begin at padded output `first`, a multiple of 24. */
export function outputPart(whole: WeightBlocks, first: number, outputs: number): WeightBlocks {
  const offset = whole.offset + (first / BLOCK_OUTPUTS) * whole.pitch;
  return { ...whole, offset, outputs, blocks: Math.ceil(outputs / BLOCK_OUTPUTS) };
}

/** Padded place of each feature of the concatenated segments. */
function segmentMap(segments: readonly number[]): Int32Array {
  const map = new Int32Array(segments.reduce((sum, n) => sum + n, 0));
  let k = 0;
  let start = 0;
  for (const length of segments) {
    for (let i = 0; i < length; i++) map[k++] = start + i;
    start += paddedFeatures(length);
  }
  return map;
}

function takeTensor(tensors: NamedTensors, name: string, length: number): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`parameter "${name}" is missing; the model needs it`);
  if (tensor.length !== length)
    throw new Error(`parameter "${name}" has ${tensor.length} values, the model needs ${length}`);
  return tensor;
}
