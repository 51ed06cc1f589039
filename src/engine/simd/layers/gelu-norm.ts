/** Linear → GELU → LayerNorm, the block AMN's residual network and the Transformer's head are made of. */
import { LayerNormBackward, LayerNormForward, LayerNormWeight } from '../abi/norm.ts';
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

interface GeluNormSizes {
  /** Input features, segment by segment. */
  readonly segments: readonly number[];
  /** Output features. */
  readonly F: number;
  readonly maxB: number;
}

export class GeluNorm {
  /** Output [F] as panel and strip12. */
  readonly y: Matrix;
  readonly strip: Matrix;
  /** Gradient of the output, written by the next layer. */
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

  constructor(bank: ParameterBank, arena: Arena, names: GeluNormNames, { segments, F, maxB }: GeluNormSizes) {
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
    program.add(`${this.norm} forward`, LayerNormForward, panelCount(B), {
      h: this.h.at,
      y: this.y.at,
      pitch: this.h.pitch,
      F: this.h.features,
      gamma: this.bank.address('weights', this.gamma),
      beta: this.bank.address('weights', this.beta),
      mean: this.mean,
      inverseSigma: this.inverse,
      strip: this.strip.at,
      stripPitch: this.strip.pitch,
      eps: { float: EPS },
    });
    program.barrier();
  }

  /** From `dy` to the gradient before GELU; call before the other two backward parts. */
  backwardNorm(program: Program, B: number): void {
    program.add(`${this.norm} backward`, LayerNormBackward, panelCount(B), {
      dy: this.dy.at,
      h: this.h.at,
      z: this.z.at,
      dz: this.dz.at,
      pitch: this.h.pitch,
      F: this.h.features,
      gamma: this.bank.address('weights', this.gamma),
      mean: this.mean,
      inverseSigma: this.inverse,
      strip: this.dzStrip.at,
      stripPitch: this.dzStrip.pitch,
    });
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
    program.add(`${this.norm} weight gradient`, LayerNormWeight, units, {
      dy: this.dy.at,
      h: this.h.at,
      pitch: this.h.pitch,
      F: this.h.features,
      panels: panelCount(B),
      mean: this.mean,
      inverseSigma: this.inverse,
      dgamma: this.bank.address('gradients', this.gamma),
      dbeta: this.bank.address('gradients', this.beta),
      slots: program.takeSlots(units),
      unitFeatures: UNIT_FEATURES,
    });
  }
}
