/**
 * The parts c_k of windows: context vectors, corpus mean, ridge residuals, means over neighbours, extras. `PartsModel` is
 * what is fitted; `PartsComputer` holds one in the memory of the kernels and computes parts of blocks of windows.
 * R windows of a block, T context length, D width, L row length, K parts.
 */
import type { Mixture, Part } from '#shared/domain/models/gram.ts';
import { Product, PRODUCT_UNIT_STRIPS } from '../../simd/abi/dense.ts';
import { BLOCK_OUTPUTS, FLOAT_BYTES, PANEL_ROWS } from '../../simd/layout.ts';
import type { Program } from '../../simd/program.ts';
import type { GramDevice } from '../device.ts';
import { addSkip, loadWindows, pairProducts, type Windows } from './blocks.ts';
import { stripCount, type GramMemory, type Region } from '../memory.ts';
import { NeighbourSearch, packRows } from './neighbours.ts';

/** What the parts are made of, apart from keys. */
export interface PartsModel {
  /** w of the skip p = Σ_t w_t·x_t. [T] */
  readonly positionWeights: Float32Array;
  /** Mean target μ. [D] */
  readonly mean: Float32Array;
  /** Maps of p, each [D, D], and of [p, x_T], each [D, 2D]; output-major. */
  readonly ridges: readonly Float32Array[];
  readonly pooledRidges: readonly Float32Array[];
  /** Spectral filters of p and x_T, each [D, D]. */
  readonly filters: readonly Float32Array[];
}

/** Products of the parts with each other and with the target: all the gate sees. K parts. */
export interface Statistics {
  /** Upper triangle of ⟨c_k, c_l⟩, row by row. [n, K(K + 1)/2] */
  readonly gram: Float32Array;
  /** ⟨c_k, y⟩; zero without a target. [n, K] */
  readonly target: Float32Array;
  readonly count: number;
}

/** Predictions [count, D] of another model for contexts [count, T, D]. */
export type ExtraPrediction = (contexts: Float32Array, count: number) => Float32Array | Promise<Float32Array>;

export class PartsComputer {
  readonly search: NeighbourSearch;
  private readonly memory: GramMemory;
  private readonly mixture: Mixture;
  private readonly parts: readonly Part[];
  private readonly extras: readonly ExtraPrediction[];
  /** Searches for the neighbours; absent: the kernels do. */
  private device: GramDevice | undefined;

  constructor(memory: GramMemory, mixture: Mixture, parts: readonly Part[], extras: readonly ExtraPrediction[] = []) {
    this.memory = memory;
    this.mixture = mixture;
    this.parts = parts;
    this.extras = extras;
    this.device = memory.device;
    this.search = new NeighbourSearch(memory);
  }

  /** Takes a fitted model; its keys are then added to `search`. */
  use(model: PartsModel): void {
    const { memory } = this;
    const { D, T } = memory.shape;
    const { plan } = memory;
    memory.floats(plan.positionWeights, T).set(model.positionWeights);
    memory.floats(plan.mean, D).set(model.mean);
    model.ridges.forEach((map, i) => this.packMap(map, plan.ridges[i], 1));
    model.pooledRidges.forEach((map, i) => this.packMap(map, plan.pooledRidges[i], 2));
    model.filters.forEach((map, i) => this.packMap(map, plan.filters[i], 1));
    this.search.clear();
  }

  /** Output-major [D, inputs·D] to strips of twelve outputs [L/12][inputs·L][12]. */
  private packMap(map: Float32Array, { at, pitch }: Region, inputs: number): void {
    const { D } = this.memory.shape;
    const { L } = this.memory.plan;
    for (let d = 0; d < D; d++) {
      const strip = this.memory.floats(at + Math.floor(d / BLOCK_OUTPUTS) * pitch, inputs * L * BLOCK_OUTPUTS);
      const lane = d % BLOCK_OUTPUTS;
      for (let i = 0; i < inputs; i++) {
        for (let k = 0; k < D; k++) strip[(i * L + k) * BLOCK_OUTPUTS + lane] = map[(d * inputs + i) * D + k];
      }
    }
  }

  /** From now on the kernels compute everything, as for a mixture that is loaded from its checkpoint. */
  leaveDevice(): void {
    this.device = undefined;
  }

  /** Parts of a block of windows as rows [count][K + 1][L] of memory, the target last. */
  private async compute(windows: Windows): Promise<void> {
    const { memory, device } = this;
    const { plan, shape } = memory;
    const { count } = windows;
    const slots = shape.K + 1;
    loadWindows(memory, windows, slots);
    const mean = memory.floats(plan.mean, plan.L);
    const rows = memory.floats(plan.vectors, count * slots * plan.L);
    for (let row = 0; row < count; row++) rows.set(mean, (row * slots + shape.T) * plan.L);
    const hasNeighbours = this.search.listed > 0;
    memory.run((program) => {
      addSkip(program, memory, count, slots);
      program.barrier();
      packRows(program, plan.features, plan.inputs, { count, columns: 2 * plan.L, lanes: 8 });
      if (hasNeighbours) this.search.addBlockKeys(program, count);
      program.barrier();
      this.addMaps(program, count);
      if (!hasNeighbours || device) return;
      this.search.addSearch(program, count);
      program.barrier();
      this.addNeighbours(program, count);
    });
    if (hasNeighbours && device) {
      await this.search.searchOn(device, count);
      memory.run((program) => this.addNeighbours(program, count));
    }
    for (const { kind, index } of this.parts) if (kind === 'extra') await this.addExtra(index, windows);
  }

  private addMaps(program: Program, count: number): void {
    const { plan } = this.memory;
    const strips = stripCount(plan.L, 12);
    this.parts.forEach((part, slot) => {
      const product = this.productOf(part);
      if (!product) return;
      program.add(part.name, Product, Math.ceil(strips / PRODUCT_UNIT_STRIPS), {
        a: product.map.at,
        aPitch: product.map.pitch,
        aStrips: strips,
        b: product.inputs,
        bPitch: plan.inputs.pitch,
        bStrips: evenStrips(count),
        K: product.depth,
        out: this.slotAt(slot),
        outPitch: this.rowPitch,
      });
    });
  }

  /** The map of a part and what it is applied to; undefined for other kinds of parts. */
  private productOf({ kind, index }: Part): { map: Region; inputs: number; depth: number } | undefined {
    const { ridges, pooledRidges, filters, inputs, L } = this.memory.plan;
    // [p | x_T] with eight windows in the lanes: x_T begins after L features.
    const last = inputs.at + L * PANEL_ROWS * FLOAT_BYTES;
    if (kind === 'ridge') return { map: ridges[index], inputs: inputs.at, depth: L };
    if (kind === 'pooledRidge') return { map: pooledRidges[index], inputs: inputs.at, depth: 2 * L };
    if (kind === 'filteredSkip') return { map: filters[index], inputs: inputs.at, depth: L };
    if (kind === 'filteredLast') return { map: filters[index], inputs: last, depth: L };
    return undefined;
  }

  private addNeighbours(program: Program, count: number): void {
    this.parts.forEach(({ kind, index }, slot) => {
      if (kind !== 'neighbours') return;
      const out = { at: this.slotAt(slot), pitch: this.rowPitch };
      this.search.addMeans(program, count, this.mixture.neighbours[index], out);
    });
  }

  private async addExtra(index: number, { contexts, count }: Windows): Promise<void> {
    const { plan, shape } = this.memory;
    const slot = this.parts.findIndex((part) => part.kind === 'extra' && part.index === index);
    const predictions = await this.extras[index](contexts, count);
    const rows = this.memory.floats(plan.vectors, count * (shape.K + 1) * plan.L);
    for (let row = 0; row < count; row++) {
      rows.set(predictions.subarray(row * shape.D, (row + 1) * shape.D), (row * (shape.K + 1) + slot) * plan.L);
    }
  }

  private slotAt(slot: number): number {
    return this.memory.plan.vectors + slot * this.memory.plan.rowBytes;
  }

  private get rowPitch(): number {
    return (this.memory.shape.K + 1) * this.memory.plan.rowBytes;
  }

  /** Products of the parts of a block of windows with each other and with the target. */
  async statistics(windows: Windows): Promise<Statistics> {
    await this.compute(windows);
    const { K } = this.memory.shape;
    const { count } = windows;
    const products = pairProducts(this.memory, count, K + 1);
    const size = (K * (K + 1)) / 2;
    const gram = new Float32Array(count * size);
    const target = new Float32Array(count * K);
    for (let row = 0, from = 0, to = 0; row < count; row++) {
      for (let k = 0; k < K; k++) {
        gram.set(products.subarray(from, from + K - k), to);
        target[row * K + k] = products[from + K - k];
        from += K - k + 1;
        to += K - k;
      }
      from++;
    }
    return { gram, target, count };
  }

  async dispose(): Promise<void> {
    await this.memory.dispose();
  }

  /** Writes Σ_k a_k·c_k of the block computed last to `out` [count, D]; a [count, K]. */
  mixInto(out: Float32Array, a: Float32Array, count: number): void {
    const { K, D } = this.memory.shape;
    const { L, vectors } = this.memory.plan;
    const rows = this.memory.floats(vectors, count * (K + 1) * L);
    const sum = new Float64Array(D);
    for (let row = 0; row < count; row++) {
      sum.fill(0);
      for (let k = 0; k < K; k++) {
        const share = a[row * K + k];
        for (let d = 0, from = (row * (K + 1) + k) * L; d < D; d++) sum[d] += share * rows[from + d];
      }
      out.set(sum, row * D);
    }
  }

  /** Parts of a block of windows. [count, K, D] */
  async partsOf(windows: Windows): Promise<Float32Array> {
    await this.compute(windows);
    const { K, D } = this.memory.shape;
    const { L, vectors } = this.memory.plan;
    const parts = new Float32Array(windows.count * K * D);
    const rows = this.memory.floats(vectors, windows.count * (K + 1) * L);
    for (let row = 0; row < windows.count; row++) {
      for (let k = 0; k < K; k++) {
        const from = (row * (K + 1) + k) * L;
        parts.set(rows.subarray(from, from + D), (row * K + k) * D);
      }
    }
    return parts;
  }
}

/** The product works on pairs of strips; strips beyond the windows hold what was there. */
function evenStrips(count: number): number {
  return 2 * Math.ceil(stripCount(count, 8) / 2);
}
