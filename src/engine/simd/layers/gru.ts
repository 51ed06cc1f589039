/** One GRU layer, gates r, z, n in PyTorch's form (the reset gate on W_hn·h + b_hn). T steps, H features in and out. */
import { GruCellBackward, GruCellForward } from '../abi/recurrent.ts';
import { panelCount, type Arena, type Matrix } from '../layout.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { RecurrentProducts } from './recurrent.ts';
import { sequenceRows, stepPanel, stepStrip, type Sequence } from './sequence.ts';

const GATES = 3;

interface GruSizes {
  readonly H: number;
  readonly T: number;
  readonly maxB: number;
}

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

  constructor(bank: ParameterBank, arena: Arena, name: string, { H, T, maxB }: GruSizes) {
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
      program.add(`${this.name} cell`, GruCellForward, panelCount(B), {
        gates: stepPanel(this.gates, t, B).at,
        ofHidden: ofHidden.at,
        gatesPitch: this.gates.pitch,
        H: h.panel.features,
        hBefore: before?.at ?? 0,
        h: stepPanel(h.panel, t, B).at,
        statePitch: h.panel.pitch,
        strip: stepStrip(h.strip, 12, t, B).at,
        stripPitch: h.strip.pitch,
      });
      program.barrier();
    }
  }

  /** `above` gives the gradient on the hidden state of a step, where there is one. Ends with a barrier. */
  backward(program: Program, above: (t: number) => Matrix | undefined, B: number): void {
    const { h } = this;
    for (let t = this.T - 1; t >= 0; t--) {
      const isLast = t === this.T - 1;
      const dofHidden = stepPanel(this.dofHidden.panel, t, B);
      program.add(`${this.name} cell backward`, GruCellBackward, panelCount(B), {
        gates: stepPanel(this.gates, t, B).at,
        ofHidden: stepPanel(this.ofHidden, t, B).at,
        gatesPitch: this.gates.pitch,
        H: h.panel.features,
        hBefore: t > 0 ? stepPanel(h.panel, t - 1, B).at : 0,
        dhAbove: above(t)?.at ?? 0,
        dhAfter: isLast ? 0 : this.dh.at,
        dhCarried: this.carried.at,
        isLastStep: isLast ? 1 : 0,
        statePitch: h.panel.pitch,
        dgates: stepPanel(this.dgates.panel, t, B).at,
        dofHidden: dofHidden.at,
        dgatesStrip: stepStrip(this.dgates.strip, 8, t, B).at,
        dofHiddenStrip: stepStrip(this.dofHidden.strip, 8, t, B).at,
        stripPitch: this.dgates.strip.pitch,
      });
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
