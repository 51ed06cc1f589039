/**
 * The batch as the kernels see it: two slots of context and target rows, so that one batch can be gathered while the
 * other trains, and the operations that fill and prepare a slot.
 */
import { OP_GATHER, OP_PACK_TARGETS, OP_PREPARE } from './abi/control.ts';
import {
  BLOCK_OUTPUTS,
  BLOCK_ROW_BYTES,
  paddedFeatures,
  panelCount,
  roundUp,
  FLOAT_BYTES,
  type Arena,
  type Matrix,
} from './layout.ts';
import type { WeightMatrix } from './layers/linear.ts';
import type { Program } from './program.ts';

export const SLOTS = 2;

export class BatchInput {
  readonly T: number;
  readonly D: number;
  /** Per slot, context rows [B·T][L] and target rows [B][L]. */
  readonly contexts: readonly Matrix[];
  readonly targets: readonly Matrix[];
  /** Per slot, window ids [maxB] of uint32. */
  readonly ids: readonly number[];
  /** Means of the contexts as rows [B][L]. */
  readonly base: Matrix;
  /** 1/|x_t| [B][T]. */
  readonly inverseNorms: number;
  /** Unit targets as rows and, row j of the batch as output j, as weight blocks. */
  readonly unitTargets: Matrix;
  private readonly targetBlocks: number;
  private readonly width: number;

  constructor(arena: Arena, T: number, D: number, maxB: number) {
    this.T = T;
    this.D = D;
    this.width = paddedFeatures(D);
    const slots = Array.from({ length: SLOTS });
    this.contexts = slots.map(() => arena.rows(D, maxB * T));
    this.targets = slots.map(() => arena.rows(D, maxB));
    this.ids = slots.map(() => arena.bytes(maxB * 4));
    this.base = arena.rows(D, maxB);
    this.inverseNorms = arena.floats(maxB * T);
    this.unitTargets = arena.rows(D, maxB);
    this.targetBlocks = arena.bytes(roundUp(maxB, BLOCK_OUTPUTS) * (this.width + 1) * FLOAT_BYTES);
  }

  /** Returns the position of the operation: its units and batch size are set anew before every run. */
  gather(program: Program, slot: number): number {
    return program.addWords('gather', OP_GATHER, 0, [slot, 0]);
  }

  /** Context means as panel and strip12 and the inverse norms. */
  prepare(program: Program, slot: number, basePanel: Matrix, baseStrip: Matrix, B: number): void {
    program.addWords('prepare', OP_PREPARE, panelCount(B), [
      this.contexts[slot].at,
      this.T,
      this.contexts[slot].pitch,
      B,
      this.base.at,
      basePanel.at,
      basePanel.pitch,
      baseStrip.at,
      baseStrip.pitch,
      this.width,
      this.inverseNorms,
    ]);
  }

  packTargets(program: Program, slot: number, B: number): void {
    const weight = this.targetWeights(B);
    program.addWords('pack targets', OP_PACK_TARGETS, weight.blocks, [
      this.targets[slot].at,
      this.targets[slot].pitch,
      B,
      this.unitTargets.at,
      weight.at,
      weight.pitch,
      this.width,
    ]);
  }

  /** The unit targets in the place of a weight matrix [B, D] without bias. */
  targetWeights(B: number): WeightMatrix {
    return {
      at: this.targetBlocks,
      offset: 0,
      pitch: (this.width + 1) * BLOCK_ROW_BYTES,
      blocks: Math.ceil(B / BLOCK_OUTPUTS),
      outputs: B,
      inputs: this.width,
      biasRow: this.width,
    };
  }
}
