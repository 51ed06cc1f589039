/**
 * One post-norm decoder layer: causal self-attention, causal attention to the memory, feed-forward, each closed by
 * LN(x + dropout(branch)). The last layer of a network computes its last step alone, the only one that is read: its keys
 * and values still come from all T steps. H width.
 */
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import type { Matrix } from '../layout.ts';
import type { NetworkContext, VectorParameter, WeightTerm } from '../models/network.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import { Attention } from './attention.ts';
import { Dropout } from './dropout.ts';
import { FeedForward } from './feed-forward.ts';
import { ResidualNorm } from './residual-norm.ts';
import { combine, sequenceRows, stepPanel, stepStrip, type Sequence, type SequenceGradient } from './sequence.ts';

/** Places that drop in one layer. */
const SITES = 6;

/** Gradient on the memory, which every layer adds to, the top one first. */
export class MemoryGradient {
  readonly total: Matrix;
  private readonly part: Matrix;
  private readonly T: number;

  constructor({ arena, maxB }: NetworkContext, T: number, H: number) {
    this.T = T;
    this.total = arena.panel(H, sequenceRows(T, maxB));
    this.part = arena.panel(H, sequenceRows(T, maxB));
  }

  /** Where a layer writes its part. */
  target(isTop: boolean): Matrix {
    return isTop ? this.total : this.part;
  }

  /** Adds the part; no barrier. */
  add(program: Program, isTop: boolean, B: number): void {
    const { total, part, T } = this;
    if (!isTop) combine(program, 'memory gradient', { out: total, sources: [total, part], steps: T, B });
  }
}

export class DecoderLayer {
  private readonly T: number;
  /** Steps computed. */
  private readonly steps: number;
  private readonly isTop: boolean;
  private readonly self: Attention;
  private readonly cross: Attention;
  private readonly feedForward: FeedForward;
  private readonly norms: readonly ResidualNorm[];
  /** Gradient on the keys of the self-attention where they have a product of their own. */
  private readonly dkeys: Matrix;

  constructor(bank: ParameterBank, context: NetworkContext, spec: TransformerSpec, layer: number, isTop: boolean) {
    const { T, dModel: H, heads, dropout: p } = spec;
    const { arena, maxB, hyper } = context;
    const name = `transformer_decoder.layers.${layer}`;
    const steps = isTop ? 1 : T;
    let site = layer * SITES;
    const dropout = () => new Dropout(p, site++, hyper);
    const attention = { T, H, heads, steps };
    this.T = T;
    this.steps = steps;
    this.isTop = isTop;
    this.self = new Attention(bank, context, `${name}.self_attn`, { ...attention, isSelf: true }, dropout());
    this.cross = new Attention(bank, context, `${name}.multihead_attn`, { ...attention, isSelf: false }, dropout());
    this.feedForward = new FeedForward(bank, context, name, { H, F: spec.feedForward, steps }, dropout());
    this.norms = [1, 2, 3].map(
      (i) => new ResidualNorm(bank, arena, `${name}.norm${i}`, { F: H, steps, maxB }, dropout()),
    );
    this.dkeys = arena.panel(H, sequenceRows(T, maxB));
  }

  get y(): Sequence {
    return this.norms[2].y;
  }

  /** Keys and values of the memory; no barrier. */
  projectMemory(program: Program, memory: Matrix, B: number): void {
    this.cross.projectKeys(program, memory, B);
  }

  /** x: panels of all steps; ends with a barrier. */
  forward(program: Program, x: Matrix, B: number): void {
    const [first, second, third] = this.norms;
    const queries = this.ofSteps(x, B);
    this.self.forward(program, queries, x, first.branch, B);
    first.forward(program, queries, B);
    this.cross.forward(program, first.y.panel, undefined, second.branch, B);
    second.forward(program, first.y.panel, B);
    this.feedForward.forward(program, second.y.panel, third.branch, B);
    third.forward(program, second.y.panel, B);
  }

  /** From the gradient on y to that on x, which it returns; ends with a barrier. */
  backward(program: Program, gradient: SequenceGradient, memory: MemoryGradient, B: number): SequenceGradient {
    const [first, second, third] = this.norms;
    const { isTop } = this;
    third.backward(program, gradient, B);
    this.feedForward.backward(program, third.dbranch.panel, B);
    second.backward(program, { everywhere: [third.dx, this.feedForward.dx], last: [] }, B);
    this.cross.backward(program, second.dbranch.panel, B);
    const dqueries = this.cross.inputGradients(program, memory.target(isTop), B);
    program.barrier();
    memory.add(program, isTop, B);
    first.backward(program, { everywhere: [second.dx, dqueries], last: [] }, B);
    this.self.backward(program, first.dbranch.panel, B);
    this.self.inputGradients(program, this.dkeys, B);
    program.barrier();
    const { everywhere, last } = this.self.selfGradient(this.dkeys);
    if (this.steps === this.T) return { everywhere: [...everywhere, first.dx], last };
    return { everywhere, last: [...last, first.dx] };
  }

  vectorGradients(program: Program, B: number): void {
    for (const norm of this.norms) norm.weightGradients(program, B);
  }

  get vectors(): VectorParameter[] {
    return this.norms.flatMap((norm) => norm.vectors);
  }

  weightTerms(x: Sequence, memory: Sequence, B: number): WeightTerm[] {
    const [first, second, third] = this.norms;
    const queries = { panel: this.ofSteps(x.panel, B), strip: stepStrip(x.strip, 12, this.T - this.steps, B) };
    return [
      ...this.self.weightTerms(queries, x, first.dbranch, B),
      ...this.cross.weightTerms(first.y, memory, second.dbranch, B),
      ...this.feedForward.weightTerms(second.y, third.dbranch, B),
    ];
  }

  private ofSteps(x: Matrix, B: number): Matrix {
    return stepPanel(x, this.T - this.steps, B);
  }
}
