/** One LSTM layer, gates i, f, g, o. T steps, I inputs, H hidden features. */
import { LstmCellBackward, LstmCellForward } from '../abi/recurrent.ts';
import { panelCount, type Arena, type Matrix } from '../layout.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { RecurrentProducts } from './recurrent.ts';
import { sequenceRows, stepPanel, stepStrip, type Sequence } from './sequence.ts';

const GATES = 4;

interface LstmSizes {
  readonly I: number;
  readonly H: number;
  readonly T: number;
  readonly maxB: number;
}

export class LstmLayer {
  /** Hidden states of all steps. */
  readonly h: Sequence;
  private readonly products: RecurrentProducts;
  private readonly name: string;
  private readonly T: number;
  /** Gates of all steps: of the input before, activated after the cell. */
  private readonly gates: Matrix;
  private readonly ofHidden: Matrix;
  private readonly c: Matrix;
  private readonly dgates: Sequence;
  private readonly dh: Matrix;
  private readonly dc: Matrix;

  constructor(bank: ParameterBank, arena: Arena, layer: number, { I, H, T, maxB }: LstmSizes) {
    const rows = sequenceRows(T, maxB);
    const sizes = { inputs: I, hidden: H, gates: GATES, T };
    this.products = new RecurrentProducts(bank, 'lstm', `l${layer}`, sizes);
    this.name = `lstm l${layer}`;
    this.T = T;
    this.gates = arena.panel(GATES * H, rows);
    this.ofHidden = arena.panel(GATES * H, maxB);
    this.c = arena.panel(H, rows);
    this.h = { panel: arena.panel(H, rows), strip: arena.strip12(H, rows) };
    this.dgates = { panel: arena.panel(GATES * H, rows), strip: arena.strip8(GATES * H, rows) };
    this.dh = arena.panel(H, maxB);
    this.dc = arena.panel(H, maxB);
  }

  /** x: panels of all steps. Ends with a barrier. */
  forward(program: Program, x: Matrix, B: number): void {
    this.products.begin(program, x, this.gates, this.ofHidden, B);
    for (let t = 0; t < this.T; t++) {
      if (t > 0) this.products.step(program, stepPanel(this.h.panel, t - 1, B), this.ofHidden, B);
      const strip = stepStrip(this.h.strip, 12, t, B);
      program.add(`${this.name} cell`, LstmCellForward, panelCount(B), {
        gates: stepPanel(this.gates, t, B).at,
        gatesPitch: this.gates.pitch,
        ofHidden: this.ofHidden.at,
        ofHiddenPitch: this.ofHidden.pitch,
        H: this.c.features,
        cBefore: t > 0 ? stepPanel(this.c, t - 1, B).at : 0,
        c: stepPanel(this.c, t, B).at,
        h: stepPanel(this.h.panel, t, B).at,
        statePitch: this.c.pitch,
        strip: strip.at,
        stripPitch: strip.pitch,
      });
      program.barrier();
    }
  }

  /** `above` gives the gradient on the hidden state of a step, where there is one. Ends with a barrier. */
  backward(program: Program, above: (t: number) => Matrix | undefined, B: number): void {
    for (let t = this.T - 1; t >= 0; t--) {
      const isLast = t === this.T - 1;
      const gates = stepPanel(this.dgates.panel, t, B);
      const strip = stepStrip(this.dgates.strip, 8, t, B);
      program.add(`${this.name} cell backward`, LstmCellBackward, panelCount(B), {
        gates: stepPanel(this.gates, t, B).at,
        gatesPitch: this.gates.pitch,
        H: this.c.features,
        cBefore: t > 0 ? stepPanel(this.c, t - 1, B).at : 0,
        c: stepPanel(this.c, t, B).at,
        dhAbove: above(t)?.at ?? 0,
        dhAfter: isLast ? 0 : this.dh.at,
        dc: this.dc.at,
        isLastStep: isLast ? 1 : 0,
        statePitch: this.c.pitch,
        dgates: gates.at,
        strip: strip.at,
        stripPitch: strip.pitch,
      });
      program.barrier();
      if (t > 0) this.products.stepBackward(program, gates, this.dh, B);
    }
  }

  /** Gradient of the input of all steps; ends with a barrier. */
  inputGradient(program: Program, dx: Matrix, B: number): void {
    this.products.inputGradient(program, this.dgates.panel, dx, B);
  }

  biasGradient(program: Program, B: number): void {
    this.products.biasGradient(program, this.dgates, B);
  }

  weightTerms(x: Sequence, B: number): WeightTerm[] {
    return this.products.weightTerms(x, this.h, this.dgates, this.dgates, B);
  }
}
