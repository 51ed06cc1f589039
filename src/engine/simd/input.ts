/**
 * The batch as the kernels see it: two slots of context and target rows, so that one batch can be gathered while the
 * other trains, and the operations that fill and prepare a slot.
 */
import type { InputShift as ShiftKind } from '#shared/domain/models/models.ts';
import { Gather, PackTargets, Prepare } from './abi/input.ts';
import { SLOTS } from './gather.ts';
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
import { InputShift } from './layers/shift.ts';
import type { Program } from './program.ts';

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
  /** What is subtracted from the contexts before the network reads them. */
  readonly shift: InputShift | undefined;
  /** Unit targets as rows and, row j of the batch as output j, as weight blocks. */
  readonly unitTargets: Matrix;
  private readonly targetBlocks: number;
  private readonly width: number;

  constructor(arena: Arena, T: number, D: number, maxB: number, shift?: ShiftKind) {
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
    this.shift = shift && new InputShift(arena, shift, T, D, maxB);
    this.targetBlocks = arena.bytes(roundUp(maxB, BLOCK_OUTPUTS) * (this.width + 1) * FLOAT_BYTES);
  }

  /** Returns the position of the operation: its units and batch size are set anew before every run. */
  gather(program: Program, slot: number): number {
    return program.add('gather', Gather, 0, { slot, B: 0 });
  }

  /** Context rows [B·T][L] as the network reads them. */
  networkContexts(slot: number): Matrix {
    return this.shift?.contexts ?? this.contexts[slot];
  }

  /** Where the network's first operation writes the inverse norms of its context rows. */
  get networkNorms(): number {
    return this.shift?.inverseNorms ?? this.inverseNorms;
  }

  /** Fills what `networkContexts` returns; ends with a barrier where there is something to do. */
  shiftContexts(program: Program, slot: number, B: number): void {
    this.shift?.forward(program, this.contexts[slot], this.inverseNorms, B);
  }

  /** Context means as panel and strip12 and the inverse norms. */
  prepare(program: Program, slot: number, basePanel: Matrix, baseStrip: Matrix, B: number): void {
    program.add('prepare', Prepare, panelCount(B), {
      contexts: this.networkContexts(slot).at,
      T: this.T,
      rowBytes: this.networkContexts(slot).pitch,
      B,
      base: this.base.at,
      basePanel: basePanel.at,
      basePanelPitch: basePanel.pitch,
      baseStrip: baseStrip.at,
      baseStripPitch: baseStrip.pitch,
      features: this.width,
      inverseContextNorms: this.networkNorms,
    });
  }

  packTargets(program: Program, slot: number, B: number): void {
    const weight = this.targetWeights(B);
    program.add('pack targets', PackTargets, weight.blocks, {
      targets: this.targets[slot].at,
      rowBytes: this.targets[slot].pitch,
      B,
      unitTargets: this.unitTargets.at,
      blocks: weight.at,
      blockPitch: weight.pitch,
      features: this.width,
    });
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
