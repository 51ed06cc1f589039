/**
 * AMN: base = mean of the context, mix = attention mixture of it, raw = base + residual network of [base, mix]; with
 * position weights the residual is added to Σ_t w_t ⊙ x_t instead of the base.
 * B batch rows, T context length, D width, A attention width, H hidden width.
 */
import type { AmnSpec } from '#shared/domain/models/models.ts';
import { paddedFeatures, type Arena, type Matrix } from '../layout.ts';
import type { BatchInput } from '../input.ts';
import { GeluNorm } from '../layers/gelu-norm.ts';
import { Linear, panelPart, strip12Part } from '../layers/linear.ts';
import { AttentionMixture } from '../layers/mixture.ts';
import { PositionSkip } from '../layers/position.ts';
import { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Network, VectorParameter, WeightTerm } from './network.ts';

export class Amn implements Network {
  readonly bank = new ParameterBank();
  private readonly input: BatchInput;
  private readonly mixture: AttentionMixture;
  private readonly first: GeluNorm;
  private readonly second: GeluNorm;
  private readonly last: Linear;
  /** Replaces the mean on the skip path where the model has position weights. */
  private readonly position: PositionSkip | undefined;
  /** [base, mix]: D features each, the second from padded feature `mixAt` on. */
  private readonly joined: Matrix;
  private readonly joinedStrip: Matrix;
  private readonly mixAt: number;
  private readonly D: number;
  private readonly output: Matrix;

  constructor(arena: Arena, input: BatchInput, spec: AmnSpec, maxB: number) {
    const { D, T, dModel: A, hiddenDim: H } = spec;
    const half = Math.floor(H / 2);
    this.D = D;
    this.input = input;
    this.mixAt = paddedFeatures(D);
    this.mixture = new AttentionMixture(this.bank, arena, input, A, maxB);
    const names = (linear: number, norm: number) => ({
      linear: `residual_net.${linear}`,
      norm: `residual_net.${norm}`,
    });
    this.first = new GeluNorm(this.bank, arena, names(0, 2), { segments: [D, D], F: H, maxB });
    this.second = new GeluNorm(this.bank, arena, names(3, 5), { segments: [H], F: half, maxB });
    this.last = new Linear(this.bank, 'residual_net.6', [half], D);
    this.position = spec.skip && new PositionSkip(this.bank, arena, T, D, maxB);
    this.joined = arena.panel(2 * this.mixAt, maxB);
    this.joinedStrip = arena.strip12(2 * this.mixAt, maxB);
    this.output = arena.panel(D, maxB);
  }

  get attention(): { at: number; pitch: number } {
    return { at: this.mixture.weights, pitch: this.mixture.weightsPitch };
  }

  forward(program: Program, slot: number, B: number): { output: Matrix; base: Matrix } {
    const base = panelPart(this.joined, 0, this.D);
    const mix = {
      panel: panelPart(this.joined, this.mixAt, this.D),
      strip: strip12Part(this.joinedStrip, this.mixAt, this.D),
    };
    this.input.prepare(program, slot, base, this.joinedStrip, B);
    this.position?.forward(program, this.input, slot, B);
    program.barrier();
    this.mixture.forward(program, slot, base, mix, B);
    this.first.forward(program, panelPart(this.joined, 0, this.mixAt + this.D), B);
    this.second.forward(program, this.first.y, B);
    this.last.forward(program, this.second.y, this.output, B);
    program.barrier();
    return { output: this.output, base: this.position?.rows ?? this.input.base };
  }

  backward(program: Program, slot: number, B: number, draw: Matrix, drawStrip: Matrix): void {
    this.position?.backward(program, this.input, slot, B, drawStrip);
    this.last.backwardInput(program, draw, this.second.dy, B);
    program.barrier();
    this.second.backwardNorm(program, B);
    this.second.backwardInput(program, this.first.dy, B);
    this.first.backwardNorm(program, B);
    this.first.backwardInput(program, this.mixture.dmix, B, this.mixAt);
    this.mixture.backward(program, slot, B);
  }

  vectorGradients(program: Program, B: number): void {
    this.first.normGradients(program, B);
    this.second.normGradients(program, B);
  }

  get vectors(): VectorParameter[] {
    return [...this.first.vectors, ...this.second.vectors, ...(this.position?.vectors ?? [])];
  }

  weightTerms(draw: Matrix, drawStrip: Matrix): WeightTerm[] {
    const base = panelPart(this.joined, 0, this.D);
    const mix = panelPart(this.joined, this.mixAt, this.D);
    // Weights that the next step reads first are updated last, so that they are still in a cache.
    return [
      this.first.weightTerm([base, mix], this.joinedStrip),
      this.second.weightTerm([this.first.y], this.first.strip),
      {
        linear: this.last,
        inputs: [this.second.y],
        inputStrip: this.second.strip,
        gradient: draw,
        gradientStrip: drawStrip,
        bias: true,
      },
      ...this.mixture.weightTerms(base, strip12Part(this.joinedStrip, 0, this.D)),
    ];
  }
}
