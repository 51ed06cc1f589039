/** One GRU layer, gates r, z, n in PyTorch's form (the reset gate on W_hn·h + b_hn). T steps, H features in and out. */
import { OP_GRU_CELL, OP_GRU_CELL_BACKWARD } from '../abi/control.ts';
import { panelCount, type Arena, type Matrix } from '../layout.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { RecurrentProducts } from './recurrent.ts';
import { sequenceRows, stepPanel, stepStrip, type Sequence } from './sequence.ts';

const GATES = 3;

export class GruLayer {
  /** Hidden states of all steps. */
  readonly h: Sequence;
  /** Gradient of the input of all steps. */
  readonly dx: Matrix;
  private readonly products: RecurrentProducts;
  private readonly name: string;
  private readonly T: number;
  /** Gates of all steps: of the input before, r, z, n after the cell. */
  private readonly gates: Matrix;
  private readonly ofHidden: Matrix;
  private readonly dgates: Sequence;
  private readonly dofHidden: Sequence;
  private readonly dh: Matrix;
  private readonly carried: Matrix;

  constructor(bank: ParameterBank, arena: Arena, name: string, H: number, T: number, maxB: number) {
    const rows = sequenceRows(T, maxB);
    const gates = () => arena.panel(GATES * H, rows);
    this.products = new RecurrentProducts(bank, name, 'l0', { inputs: H, hidden: H, gates: GATES, T });
    this.name = name;
    this.T = T;
    this.gates = gates();
    this.ofHidden = gates();
    this.h = { panel: arena.panel(H, rows), strip: arena.strip12(H, rows) };
    this.dgates = { panel: gates(), strip: arena.strip8(GATES * H, rows) };
    this.dofHidden = { panel: gates(), strip: arena.strip8(GATES * H, rows) };
    this.dh = arena.panel(H, maxB);
    this.carried = arena.panel(H, maxB);
    this.dx = arena.panel(H, rows);
  }

  /** x: panels of all steps. Ends with a barrier. */
  forward(program: Program, x: Matrix, B: number): void {
    const { h } = this;
    this.products.begin(program, x, this.gates, this.ofHidden, B);
    for (let t = 0; t < this.T; t++) {
      const ofHidden = stepPanel(this.ofHidden, t, B);
      const before = t > 0 ? stepPanel(h.panel, t - 1, B) : undefined;
      if (before) this.products.step(program, before, ofHidden, B);
      program.addWords(`${this.name} cell`, OP_GRU_CELL, panelCount(B), [
        stepPanel(this.gates, t, B).at,
        ofHidden.at,
        this.gates.pitch,
        h.panel.features,
        before?.at ?? 0,
        stepPanel(h.panel, t, B).at,
        h.panel.pitch,
        stepStrip(h.strip, 12, t, B).at,
        h.strip.pitch,
      ]);
      program.barrier();
    }
  }

  /** `above` gives the gradient on the hidden state of a step, where there is one. Ends with a barrier. */
  backward(program: Program, above: (t: number) => Matrix | undefined, B: number): void {
    const { h } = this;
    for (let t = this.T - 1; t >= 0; t--) {
      const isLast = t === this.T - 1;
      const dofHidden = stepPanel(this.dofHidden.panel, t, B);
      program.addWords(`${this.name} cell backward`, OP_GRU_CELL_BACKWARD, panelCount(B), [
        stepPanel(this.gates, t, B).at,
        stepPanel(this.ofHidden, t, B).at,
        this.gates.pitch,
        h.panel.features,
        t > 0 ? stepPanel(h.panel, t - 1, B).at : 0,
        above(t)?.at ?? 0,
        isLast ? 0 : this.dh.at,
        this.carried.at,
        isLast ? 1 : 0,
        h.panel.pitch,
        stepPanel(this.dgates.panel, t, B).at,
        dofHidden.at,
        stepStrip(this.dgates.strip, 8, t, B).at,
        stepStrip(this.dofHidden.strip, 8, t, B).at,
        this.dgates.strip.pitch,
      ]);
      program.barrier();
      if (t > 0) this.products.stepBackward(program, dofHidden, this.dh, B);
    }
    this.products.inputGradient(program, this.dgates.panel, this.dx, B);
  }

  biasGradient(program: Program, B: number): void {
    this.products.biasGradient(program, this.dofHidden, B);
  }

  weightTerms(x: Sequence, B: number): WeightTerm[] {
    return this.products.weightTerms(x, this.h, this.dgates, this.dofHidden, B);
  }
}
