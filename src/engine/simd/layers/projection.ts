/** The Linear that brings every context vector to the width of a sequence model, with positions where it has them. */
import type { Arena, Matrix } from '../layout.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { Linear } from './linear.ts';
import { combine, combineGradient, sequenceRows, type Sequence, type SequenceGradient } from './sequence.ts';

export class InputProjection implements Sequence {
  readonly panel: Matrix;
  readonly strip: Matrix;
  private readonly linear: Linear;
  private readonly gradient: Sequence;
  private readonly T: number;

  constructor(bank: ParameterBank, arena: Arena, sizes: { D: number; H: number; T: number; maxB: number }) {
    const { D, H, T } = sizes;
    const rows = sequenceRows(T, sizes.maxB);
    this.T = T;
    this.linear = new Linear(bank, 'input_proj', [D], H);
    this.panel = arena.panel(H, rows);
    this.strip = arena.strip12(H, rows);
    this.gradient = { panel: arena.panel(H, rows), strip: arena.strip8(H, rows) };
  }

  /** `positions`: address of [T][H] floats to add. Ends with a barrier. */
  forward(program: Program, x: Sequence, B: number, positions?: number): void {
    this.linear.forward(program, x.panel, this.panel, sequenceRows(this.T, B));
    program.barrier();
    const { panel, strip, T } = this;
    combine(program, 'embedding', { out: panel, sources: [panel], steps: T, B, strip12: strip, positions });
    program.barrier();
  }

  /** Ends with a barrier. */
  backward(program: Program, gradient: SequenceGradient, B: number): void {
    const { panel, strip } = this.gradient;
    combineGradient(program, 'embedding gradient', gradient, { panel, strip, T: this.T, B });
    program.barrier();
  }

  weightTerm(x: Sequence, B: number): WeightTerm {
    return {
      linear: this.linear,
      inputs: [x.panel],
      inputStrip: x.strip,
      gradient: this.gradient.panel,
      gradientStrip: this.gradient.strip,
      bias: true,
      rows: sequenceRows(this.T, B),
    };
  }
}
