/** Linear → ReLU → dropout → Linear over `steps` steps of a sequence. H width, F hidden width. */
import { ReluBackward, ReluForward } from '../abi/sequence.ts';
import { panelCount, type Matrix } from '../layout.ts';
import type { NetworkContext, WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { sequenceRows, type Sequence } from './sequence.ts';

export class FeedForward {
  /** Gradient of the input. */
  readonly dx: Matrix;
  private readonly name: string;
  private readonly steps: number;
  private readonly dropout: Dropout;
  private readonly first: Linear;
  private readonly second: Linear;
  private readonly hidden: Sequence;
  private readonly dhidden: Sequence;

  constructor(
    bank: ParameterBank,
    { arena, maxB }: NetworkContext,
    name: string,
    sizes: { readonly H: number; readonly F: number; readonly steps: number },
    dropout: Dropout,
  ) {
    const { H, F, steps } = sizes;
    const rows = sequenceRows(steps, maxB);
    this.name = name;
    this.steps = steps;
    this.dropout = dropout;
    this.first = new Linear(bank, `${name}.linear1`, [H], F);
    this.second = new Linear(bank, `${name}.linear2`, [F], H);
    this.hidden = { panel: arena.panel(F, rows), strip: arena.strip12(F, rows) };
    this.dhidden = { panel: arena.panel(F, rows), strip: arena.strip8(F, rows) };
    this.dx = arena.panel(H, rows);
  }

  /** Writes over `into`; ends with a barrier. */
  forward(program: Program, x: Matrix, into: Matrix, B: number): void {
    const rows = sequenceRows(this.steps, B);
    const { panel, strip } = this.hidden;
    this.first.forward(program, x, panel, rows);
    program.barrier();
    program.add(`${this.name} relu`, ReluForward, panelCount(rows), {
      x: panel.at,
      pitch: panel.pitch,
      F: panel.features,
      strip: strip.at,
      stripPitch: strip.pitch,
      ...this.dropout.args(program),
    });
    program.barrier();
    this.second.forward(program, panel, into, rows);
    program.barrier();
  }

  /** From the gradient on the output to `dx`; ends with a barrier. */
  backward(program: Program, dout: Matrix, B: number): void {
    const rows = sequenceRows(this.steps, B);
    const { panel, strip } = this.dhidden;
    this.second.backwardInput(program, dout, panel, rows);
    program.barrier();
    program.add(`${this.name} relu backward`, ReluBackward, panelCount(rows), {
      dx: panel.at,
      y: this.hidden.panel.at,
      pitch: panel.pitch,
      F: panel.features,
      strip: strip.at,
      stripPitch: strip.pitch,
      keepScale: this.dropout.scale(program),
    });
    program.barrier();
    this.first.backwardInput(program, panel, this.dx, rows);
    program.barrier();
  }

  weightTerms(x: Sequence, dout: Sequence, B: number): WeightTerm[] {
    const rows = sequenceRows(this.steps, B);
    const term = (linear: Linear, input: Sequence, gradient: Sequence): WeightTerm => ({
      linear,
      inputs: [input.panel],
      inputStrip: input.strip,
      gradient: gradient.panel,
      gradientStrip: gradient.strip,
      bias: true,
      rows,
    });
    return [term(this.first, x, this.dhidden), term(this.second, this.hidden, dout)];
  }
}
