/** Linear → GELU → LayerNorm, the block AMN's residual network and the Transformer's head are made of. */
import { OP_LAYER_NORM, OP_LAYER_NORM_BACKWARD, OP_LAYER_NORM_WEIGHT } from '../abi/control.ts';
import { FLOAT_BYTES, panelCount, roundUp, type Arena, type Matrix } from '../layout.ts';
import type { VectorParameter, WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { Linear } from './linear.ts';

const EPS = 1e-5;
/** Features of one unit of the γ, β gradient: whole cache lines of the result. */
const UNIT_FEATURES = 32;

export interface GeluNormNames {
  readonly linear: string;
  readonly norm: string;
}

export class GeluNorm {
  /** Output [F] as panel and strip12. */
  readonly y: Matrix;
  readonly strip: Matrix;
  /** Gradient of the output, written by whoever comes after. */
  readonly dy: Matrix;
  private readonly linear: Linear;
  private readonly bank: ParameterBank;
  private readonly norm: string;
  private readonly z: Matrix;
  private readonly h: Matrix;
  private readonly dz: Matrix;
  private readonly dzStrip: Matrix;
  private readonly mean: number;
  private readonly inverse: number;
  private readonly gamma: number;
  private readonly beta: number;

  constructor(
    bank: ParameterBank,
    arena: Arena,
    names: GeluNormNames,
    segments: readonly number[],
    F: number,
    maxB: number,
  ) {
    this.bank = bank;
    this.norm = names.norm;
    this.linear = new Linear(bank, names.linear, segments, F);
    this.gamma = bank.vector(`${names.norm}.weight`, F);
    this.beta = bank.vector(`${names.norm}.bias`, F);
    this.z = arena.panel(F, maxB);
    this.h = arena.panel(F, maxB);
    this.y = arena.panel(F, maxB);
    this.strip = arena.strip12(F, maxB);
    this.dy = arena.panel(F, maxB);
    this.dz = arena.panel(F, maxB);
    this.dzStrip = arena.strip8(F, maxB);
    this.mean = arena.floats(roundUp(maxB, 8));
    this.inverse = arena.floats(roundUp(maxB, 8));
  }

  forward(program: Program, x: Matrix, B: number): void {
    this.linear.forward(program, x, this.z, B, { bias: true, gelu: this.h });
    program.barrier();
    program.addWords(`${this.norm} forward`, OP_LAYER_NORM, panelCount(B), [
      this.h.at,
      this.y.at,
      this.h.pitch,
      this.h.features,
      this.bank.address('weights', this.gamma),
      this.bank.address('weights', this.beta),
      this.mean,
      this.inverse,
      this.strip.at,
      this.strip.pitch,
      { float: EPS },
    ]);
    program.barrier();
  }

  /** From `dy` to the gradient before GELU; call before the other two backward parts. */
  backwardNorm(program: Program, B: number): void {
    program.addWords(`${this.norm} backward`, OP_LAYER_NORM_BACKWARD, panelCount(B), [
      this.dy.at,
      this.h.at,
      this.z.at,
      this.dz.at,
      this.h.pitch,
      this.h.features,
      this.bank.address('weights', this.gamma),
      this.mean,
      this.inverse,
      this.dzStrip.at,
      this.dzStrip.pitch,
    ]);
    program.barrier();
  }

  backwardInput(program: Program, dx: Matrix, B: number, first = 0): void {
    this.linear.backwardInput(program, this.dz, dx, B, first);
    program.barrier();
  }

  weightTerm(inputs: readonly Matrix[], inputStrip: Matrix): WeightTerm {
    const { linear, dz, dzStrip } = this;
    return { linear, inputs, inputStrip, gradient: dz, gradientStrip: dzStrip, bias: true };
  }

  get vectors(): VectorParameter[] {
    const bytes = roundUp(this.h.features, 4) * FLOAT_BYTES;
    return [this.gamma, this.beta].map((offset) => ({ offset, bytes }));
  }

  /** Gradients of γ and β; needs no barrier among its like. */
  normGradients(program: Program, B: number): void {
    const units = Math.ceil(this.h.features / UNIT_FEATURES);
    program.addWords(`${this.norm} weight gradient`, OP_LAYER_NORM_WEIGHT, units, [
      this.dy.at,
      this.h.at,
      this.h.pitch,
      this.h.features,
      panelCount(B),
      this.mean,
      this.inverse,
      this.bank.address('gradients', this.gamma),
      this.bank.address('gradients', this.beta),
      program.takeSlots(units),
      UNIT_FEATURES,
    ]);
  }
}
