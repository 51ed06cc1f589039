/**
 * AMN's attention over the T context vectors with the query product moved to the sequence: u = W_keyᵀ·query, scores
 * u·x_t/√A. The key bias adds the same constant to all scores, so its gradient is exactly zero and never computed.
 */
import { MixBackward, MixForward } from '../abi/amn.ts';
import { FLOAT_BYTES, paddedFeatures, panelCount, roundUp, type Arena, type Matrix } from '../layout.ts';
import type { BatchInput } from '../input.ts';
import type { WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { Linear } from './linear.ts';

/** Panel and strip12 of the same values. */
interface Activation {
  readonly panel: Matrix;
  readonly strip: Matrix;
}

export class AttentionMixture {
  /** Attention weights [B][T4], T4 = T rounded up to 4. */
  readonly weights: number;
  readonly weightsPitch: number;
  /** Gradient of the mix as panel, written by the next layer. */
  readonly dmix: Matrix;
  private readonly key: Linear;
  private readonly query: Linear;
  private readonly q: Matrix;
  private readonly qStrip: Matrix;
  private readonly u: Matrix;
  private readonly du: Matrix;
  private readonly duStrip: Matrix;
  private readonly dq: Matrix;
  private readonly dqStrip: Matrix;
  private readonly dweights: number;
  private readonly scale: number;
  private readonly input: BatchInput;
  private readonly width: number;

  /** A: width of queries and keys. */
  constructor(bank: ParameterBank, arena: Arena, input: BatchInput, A: number, maxB: number) {
    const { T, D } = input;
    this.input = input;
    this.width = paddedFeatures(D);
    this.scale = 1 / Math.sqrt(A);
    this.key = new Linear(bank, 'context_encoder', [D], A);
    this.query = new Linear(bank, 'query_encoder', [D], A);
    this.q = arena.panel(A, maxB);
    this.qStrip = arena.strip8(A, maxB);
    this.u = arena.panel(D, maxB);
    this.du = arena.panel(D, maxB);
    this.duStrip = arena.strip12(D, maxB);
    this.dq = arena.panel(A, maxB);
    this.dqStrip = arena.strip8(A, maxB);
    this.dmix = arena.panel(D, maxB);
    this.weightsPitch = roundUp(T, 4) * FLOAT_BYTES;
    this.weights = arena.bytes(this.weightsPitch * maxB);
    this.dweights = arena.bytes(this.weightsPitch * maxB);
  }

  /** base is the panel of the context means; mix (panel and strip12) is written. */
  forward(program: Program, slot: number, base: Matrix, mix: Activation, B: number): void {
    this.query.forward(program, base, this.q, B, { bias: true, strip: this.qStrip });
    program.barrier();
    this.key.backwardInput(program, this.q, this.u, B);
    program.barrier();
    program.add('mix forward', MixForward, panelCount(B), {
      ...this.common(slot, B),
      u: this.u.at,
      uPitch: this.u.pitch,
      weights: this.weights,
      weightsPitch: this.weightsPitch,
      scale: { float: this.scale },
      mix: mix.panel.at,
      mixPitch: mix.panel.pitch,
      strip: mix.strip.at,
      stripPitch: mix.strip.pitch,
      features: this.width,
    });
    program.barrier();
  }

  /** From `dmix` to the gradients that the weight gradients need. */
  backward(program: Program, slot: number, B: number): void {
    program.add('mix backward', MixBackward, panelCount(B), {
      ...this.common(slot, B),
      dmix: this.dmix.at,
      dmixPitch: this.dmix.pitch,
      weights: this.weights,
      weightsPitch: this.weightsPitch,
      scale: { float: this.scale },
      du: this.du.at,
      duPitch: this.du.pitch,
      strip: this.duStrip.at,
      stripPitch: this.duStrip.pitch,
      features: this.width,
      dweights: this.dweights,
    });
    program.barrier();
    this.key.forward(program, this.du, this.dq, B, { bias: false, strip: this.dqStrip });
    program.barrier();
  }

  weightTerms(base: Matrix, baseStrip: Matrix): WeightTerm[] {
    return [
      {
        linear: this.key,
        inputs: [this.du],
        inputStrip: this.duStrip,
        gradient: this.q,
        gradientStrip: this.qStrip,
        bias: false,
      },
      {
        linear: this.query,
        inputs: [base],
        inputStrip: baseStrip,
        gradient: this.dq,
        gradientStrip: this.dqStrip,
        bias: true,
      },
    ];
  }

  private common(slot: number, B: number) {
    const { at, pitch } = this.input.networkContexts(slot);
    return { contexts: at, T: this.input.T, rowBytes: pitch, B };
  }
}
