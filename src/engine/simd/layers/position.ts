/** AMN's positional skip path: Σ_t w_t ⊙ x_t in place of the mean of the context. T context length, D width. */
import { PositionForward, PositionWeight } from '../abi/amn.ts';
import { FLOAT_BYTES, PANEL_ROWS, paddedFeatures, panelCount, type Arena, type Matrix } from '../layout.ts';
import type { BatchInput } from '../input.ts';
import type { VectorParameter } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';

export class PositionSkip {
  /** Σ_t w_t ⊙ x_t as rows [B][L]. */
  readonly rows: Matrix;
  private readonly bank: ParameterBank;
  private readonly offset: number;
  private readonly width: number;
  private readonly T: number;

  constructor(bank: ParameterBank, arena: Arena, T: number, D: number, maxB: number) {
    this.bank = bank;
    this.T = T;
    this.width = paddedFeatures(D);
    this.offset = bank.rows('position_weights', T, D, this.width);
    this.rows = arena.rows(D, maxB);
  }

  /** Writes `rows`; the caller sets the barrier. */
  forward(program: Program, input: BatchInput, slot: number, B: number): void {
    program.add('position forward', PositionForward, panelCount(B), {
      ...this.common(input, slot, B),
      weights: this.bank.address('weights', this.offset),
      skip: this.rows.at,
    });
  }

  /** Gradient of the weights into the bank from the gradient on the output (strip8); no barrier. */
  backward(program: Program, input: BatchInput, slot: number, B: number, drawStrip: Matrix): void {
    const units = this.width / PANEL_ROWS;
    program.add('position weight gradient', PositionWeight, units, {
      ...this.common(input, slot, B),
      draw: drawStrip.at,
      drawPitch: drawStrip.pitch,
      dweights: this.bank.address('gradients', this.offset),
      slots: program.takeSlots(units),
    });
  }

  get vectors(): VectorParameter[] {
    return [{ offset: this.offset, bytes: this.T * this.width * FLOAT_BYTES }];
  }

  private common(input: BatchInput, slot: number, B: number) {
    const { at, pitch } = input.networkContexts(slot);
    return { contexts: at, T: this.T, rowBytes: pitch, B };
  }
}
