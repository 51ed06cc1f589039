/**
 * y = LN(x + dropout(branch)): what closes a residual block of the GRU stack and of the Transformer. Works on `steps`
 * steps: all of a sequence, or its last alone. F features.
 */
import { LayerNormWeight, ResidualNormBackward, ResidualNormForward } from '../abi/norm.ts';
import { FLOAT_BYTES, PANEL_ROWS, panelCount, roundUp, type Arena, type Matrix } from '../layout.ts';
import type { VectorParameter } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Dropout } from './dropout.ts';
import {
  gradientRanges,
  sequenceRows,
  sourceAddresses,
  stepPanel,
  type Sequence,
  type SequenceGradient,
} from './sequence.ts';

const EPS = 1e-5;
/** Features of one unit of the γ, β gradient: whole cache lines of the result. */
const UNIT_FEATURES = 32;

export interface ResidualNormSizes {
  readonly F: number;
  readonly steps: number;
  readonly maxB: number;
}

export class ResidualNorm {
  readonly y: Sequence;
  /** Output of the branch, which writes it. */
  readonly branch: Matrix;
  /** Gradient on x; where nothing is dropped also that on the branch. */
  readonly dx: Matrix;
  /** Gradient on the branch, also as strip8. */
  readonly dbranch: Sequence;
  private readonly bank: ParameterBank;
  private readonly name: string;
  private readonly dropout: Dropout;
  private readonly steps: number;
  private readonly sum: Matrix;
  private readonly dy: Matrix;
  private readonly mean: number;
  private readonly inverse: number;
  private readonly gamma: number;
  private readonly beta: number;

  constructor(bank: ParameterBank, arena: Arena, name: string, sizes: ResidualNormSizes, dropout: Dropout) {
    const { F, steps } = sizes;
    const rows = sequenceRows(steps, sizes.maxB);
    this.bank = bank;
    this.name = name;
    this.dropout = dropout;
    this.steps = steps;
    this.gamma = bank.vector(`${name}.weight`, F);
    this.beta = bank.vector(`${name}.bias`, F);
    this.branch = arena.panel(F, rows);
    this.sum = arena.panel(F, rows);
    this.y = { panel: arena.panel(F, rows), strip: arena.strip12(F, rows) };
    this.dy = arena.panel(F, rows);
    this.dx = arena.panel(F, rows);
    this.dbranch = { panel: arena.panel(F, rows), strip: arena.strip8(F, rows) };
    this.mean = arena.floats(rows);
    this.inverse = arena.floats(rows);
  }

  /** x: panels of the same steps. `branch` in place of the own one, where it is there already. Ends with a barrier. */
  forward(program: Program, x: Matrix, B: number, branch = this.branch): void {
    program.add(`${this.name} forward`, ResidualNormForward, this.steps * panelCount(B), {
      x: x.at,
      a: branch.at,
      sum: this.sum.at,
      y: this.y.panel.at,
      pitch: this.sum.pitch,
      F: this.sum.features,
      gamma: this.bank.address('weights', this.gamma),
      beta: this.bank.address('weights', this.beta),
      mean: this.mean,
      inverseSigma: this.inverse,
      strip: this.y.strip.at,
      stripPitch: this.y.strip.pitch,
      eps: { float: EPS },
      ...this.dropout.args(program),
    });
    program.barrier();
  }

  /** From the gradient on y to those on x and on the branch; ends with a barrier. */
  backward(program: Program, gradient: SequenceGradient, B: number): void {
    for (const { from, steps, sources } of gradientRanges(gradient, this.steps, B)) {
      const statistics = sequenceRows(from, B) * FLOAT_BYTES;
      program.add(`${this.name} backward`, ResidualNormBackward, steps * panelCount(B), {
        ...sourceAddresses(sources),
        dy: stepPanel(this.dy, from, B).at,
        sum: stepPanel(this.sum, from, B).at,
        dsum: stepPanel(this.dx, from, B).at,
        da: stepPanel(this.dbranch.panel, from, B).at,
        pitch: this.sum.pitch,
        F: this.sum.features,
        gamma: this.bank.address('weights', this.gamma),
        mean: this.mean + statistics,
        inverseSigma: this.inverse + statistics,
        strip: this.dbranch.strip.at,
        stripPitch: this.dbranch.strip.pitch,
        ...this.dropout.args(program),
        panelsBefore: sequenceRows(from, B) / PANEL_ROWS,
      });
    }
    program.barrier();
  }

  /** Gradients of γ and β into the bank; no barrier. */
  weightGradients(program: Program, B: number): void {
    const units = Math.ceil(this.sum.features / UNIT_FEATURES);
    program.add(`${this.name} weight gradient`, LayerNormWeight, units, {
      dy: this.dy.at,
      h: this.sum.at,
      pitch: this.sum.pitch,
      F: this.sum.features,
      panels: this.steps * panelCount(B),
      mean: this.mean,
      inverseSigma: this.inverse,
      dgamma: this.bank.address('gradients', this.gamma),
      dbeta: this.bank.address('gradients', this.beta),
      slots: program.takeSlots(units),
      unitFeatures: UNIT_FEATURES,
    });
  }

  get vectors(): VectorParameter[] {
    const bytes = roundUp(this.sum.features, 4) * FLOAT_BYTES;
    return [this.gamma, this.beta].map((offset) => ({ offset, bytes }));
  }
}
