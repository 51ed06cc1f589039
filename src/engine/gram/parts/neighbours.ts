/**
 * Keys of training windows in the memory of the kernels, and means over the targets of the nearest ones. The key of a window
 * is the direction of its skip p without its component along the mean target μ: it keeps the topic and drops what all
 * targets share.
 * N kept keys, D width, L row length.
 */
import { PackRows } from '../../simd/abi/dense.ts';
import { KeyRows, Nearest, NEAREST_PANELS, NeighbourMeans } from '../../simd/abi/gram.ts';
import { BLOCK_OUTPUTS, PANEL_ROWS } from '../../simd/layout.ts';
import type { Program } from '../../simd/program.ts';
import { addSkip, loadWindows, windowUnits, type Windows } from './blocks.ts';
import { selectNearest, type GramDevice } from '../device.ts';
import type { Neighbours } from '#shared/domain/models/gram.ts';
import { stripCount, type GramMemory, type Region } from '../memory.ts';

/** Keys [N, D] and the targets [N, D] that belong to them, row-major. */
export interface KeyRowsOf {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

export class NeighbourSearch {
  private readonly memory: GramMemory;
  private count = 0;

  constructor(memory: GramMemory) {
    this.memory = memory;
  }

  clear(): void {
    this.count = 0;
  }

  /** Entries of a list: fewer than asked for where there are fewer keys. */
  get listed(): number {
    return Math.min(this.memory.shape.neighbours, this.count);
  }

  /** Keeps keys and targets of a block of windows. All but the last block have BLOCK_WINDOWS windows. */
  add(windows: Windows): void {
    const { memory } = this;
    const { shape, plan } = memory;
    const { count } = windows;
    this.checkRoom(count);
    const slots = shape.T + 1;
    loadWindows(memory, windows, slots);
    memory.run((program) => {
      addSkip(program, memory, count, slots);
      program.barrier();
      this.addBlockKeys(program, count);
      program.barrier();
      packRows(program, plan.blockKeys, this.nextKeys, { count, columns: plan.L, lanes: 12 });
    });
    memory.device?.setKeys(memory.floats(plan.blockKeys.at, count * plan.L), this.count);
    const values = memory.floats(plan.values.at + this.count * plan.values.pitch, count * plan.L);
    const vectors = memory.floats(plan.vectors, count * slots * plan.L);
    for (let row = 0; row < count; row++) {
      const from = (row * slots + shape.T) * plan.L;
      values.set(vectors.subarray(from, from + plan.L), row * plan.L);
    }
    this.count += count;
  }

  private checkRoom(count: number): void {
    const { maxKeys } = this.memory.shape;
    if (this.count + count > maxKeys) throw new RangeError(`Gram mixture: more than ${maxKeys} keys`);
    if (this.count % BLOCK_OUTPUTS !== 0) throw new RangeError('Gram mixture: keys after a block that was not full');
  }

  private get nextKeys(): Region {
    const { at, pitch } = this.memory.plan.keys;
    return { at: at + (this.count / BLOCK_OUTPUTS) * pitch, pitch };
  }

  /** Copies of all keys and targets. */
  read(): KeyRowsOf {
    const { count, memory } = this;
    const { D } = memory.shape;
    const { L } = memory.plan;
    const keys = new Float32Array(count * D);
    const values = new Float32Array(count * D);
    const rows = memory.floats(memory.plan.values.at, count * L);
    for (let row = 0; row < count; row++) {
      const { strip, lane } = this.place(row);
      for (let d = 0; d < D; d++) keys[row * D + d] = strip[d * BLOCK_OUTPUTS + lane];
      values.set(rows.subarray(row * L, row * L + D), row * D);
    }
    return { keys, values };
  }

  /** Replaces all keys and targets. */
  write({ keys, values }: KeyRowsOf): void {
    const { memory } = this;
    const { D } = memory.shape;
    const { L } = memory.plan;
    this.clear();
    this.checkRoom(keys.length / D);
    this.count = keys.length / D;
    const rows = memory.floats(memory.plan.values.at, this.count * L);
    for (let row = 0; row < this.count; row++) {
      const { strip, lane } = this.place(row);
      for (let d = 0; d < D; d++) strip[d * BLOCK_OUTPUTS + lane] = keys[row * D + d];
      rows.set(values.subarray(row * D, (row + 1) * D), row * L);
    }
  }

  /** The strip [L][12] that holds a key, and its lane. */
  private place(row: number): { strip: Float32Array; lane: number } {
    const { keys, L } = this.memory.plan;
    const at = keys.at + Math.floor(row / BLOCK_OUTPUTS) * keys.pitch;
    return { strip: this.memory.floats(at, L * BLOCK_OUTPUTS), lane: row % BLOCK_OUTPUTS };
  }

  /** Keys of the block from its `features`. */
  addBlockKeys(program: Program, count: number): void {
    const { features, mean, rowBytes, blockKeys } = this.memory.plan;
    program.add('keys', KeyRows, windowUnits(count), {
      rows: features.at,
      pitch: features.pitch,
      count,
      mean,
      vectorBytes: rowBytes,
      out: blockKeys.at,
      outPitch: blockKeys.pitch,
    });
  }

  /** Lists of the nearest keys for the block's keys, computed by the device. */
  async searchOn(device: GramDevice, count: number): Promise<void> {
    const { memory, listed } = this;
    const { blockKeys, similarities, neighbours, L } = memory.plan;
    const { values, pitch } = await device.similarities(memory.floats(blockKeys.at, count * L), count);
    selectNearest(values, pitch, this.count, {
      similarities: memory.floats(similarities, count * listed),
      ids: memory.integers(neighbours, count * listed),
    });
  }

  /** Lists of the nearest keys for the block's keys. */
  addSearch(program: Program, count: number): void {
    const { keys, blockKeys, queries, similarities, neighbours, L } = this.memory.plan;
    packRows(program, blockKeys, queries, { count, columns: L, lanes: 8 });
    program.barrier();
    program.add('nearest', Nearest, Math.ceil(count / (NEAREST_PANELS * PANEL_ROWS)), {
      keys: keys.at,
      keyPitch: keys.pitch,
      keyCount: this.count,
      queries: queries.at,
      queryPitch: queries.pitch,
      queryCount: count,
      features: L,
      k: this.listed,
      similarities,
      ids: neighbours,
    });
  }

  /** Σ_j softmax_j(s_j/τ)·y_j over the first entries of each list, as rows `out`. */
  addMeans(program: Program, count: number, { count: use, tau }: Neighbours, out: Region): void {
    const { similarities, neighbours, values, rowBytes } = this.memory.plan;
    program.add(`${use} neighbours`, NeighbourMeans, count, {
      similarities,
      ids: neighbours,
      k: this.listed,
      use: Math.min(use, this.listed),
      sharpness: { float: 1 / tau },
      values: values.at,
      valuePitch: values.pitch,
      vectorBytes: rowBytes,
      out: out.at,
      outPitch: out.pitch,
    });
  }
}

/** `count` rows of `columns` floats, to go into strips of 8 or 12 lanes. */
interface PackShape {
  readonly count: number;
  readonly columns: number;
  readonly lanes: 8 | 12;
}

/** Rows into the lanes of strips. */
export function packRows(program: Program, rows: Region, out: Region, { count, columns, lanes }: PackShape): void {
  program.add('pack rows', PackRows, stripCount(count, lanes), {
    rows: rows.at,
    pitch: rows.pitch,
    count,
    columns,
    lanes,
    out: out.at,
    outPitch: out.pitch,
  });
}
