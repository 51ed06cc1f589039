/**
 * One post-norm decoder layer: causal self-attention, causal attention to the memory, feed-forward, each closed by
 * LN(x + dropout(branch)). The last layer of a network computes its last step alone, the only one that is read: its keys
 * and values still come from all T steps. H width.
 */
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import type { ParameterBank } from '../bank.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, stepOf, type Rows } from '../rows.ts';
import { Attention } from './attention.ts';
import { Dropout } from './dropout.ts';
import { FeedForward } from './feed-forward.ts';
import { ResidualNorm } from './residual-norm.ts';

/** Places that drop in one layer. */
const SITES = 6;

/** A gradient [B][T][H] that layers add to; `isEmpty`: the first of them writes it. */
export interface SharedGradient {
  readonly rows: Rows;
  readonly isEmpty: boolean;
}

export class DecoderLayer {
  private readonly T: number;
  /** Steps computed. */
  private readonly R: number;
  private readonly self: Attention;
  private readonly cross: Attention;
  private readonly feedForward: FeedForward;
  private readonly norms: readonly ResidualNorm[];
  private readonly branch: Rows;
  /** Gradients on what the second and third norm get, and on the branch of any. */
  private readonly dfirst: Rows;
  private readonly dsecond: Rows;
  private readonly dbranch: Rows;

  constructor(
    bank: ParameterBank,
    memory: Memory,
    spec: TransformerSpec,
    { layer, R, maxB }: { readonly layer: number; readonly R: number; readonly maxB: number },
  ) {
    const { T, dModel: H, heads, feedForward: F, dropout: p } = spec;
    const name = `transformer_decoder.layers.${layer}`;
    let site = layer * SITES;
    const dropout = () => new Dropout(p, site++);
    const attention = { T, H, heads, R, maxB };
    const scratch = (label: string) => rowsOf(memory.scratch(`decoder ${label}`, maxB * R * H), H, R);
    this.T = T;
    this.R = R;
    this.self = new Attention(bank, memory, `${name}.self_attn`, { ...attention, isSelf: true }, dropout());
    this.cross = new Attention(bank, memory, `${name}.multihead_attn`, { ...attention, isSelf: false }, dropout());
    this.feedForward = new FeedForward(bank, memory, name, { H, F, R, maxB }, dropout());
    this.norms = [1, 2, 3].map((i) => new ResidualNorm(bank, memory, `${name}.norm${i}`, { F: H, R, maxB }, dropout()));
    this.branch = scratch('branch');
    this.dfirst = scratch('dfirst');
    this.dsecond = scratch('dsecond');
    this.dbranch = scratch('dbranch');
  }

  get y(): Rows {
    return this.norms[2].y;
  }

  /** x, memory: [B][T][H]. */
  forward(program: Program, x: Rows, memory: Rows): void {
    const { self, cross, feedForward, branch } = this;
    const [first, second, third] = this.norms;
    const queries = this.ofSteps(x);
    self.forward(program, queries, x, branch);
    first.forward(program, queries, branch);
    cross.forward(program, first.y, memory, branch);
    second.forward(program, first.y, branch);
    feedForward.forward(program, second.y, branch);
    third.forward(program, second.y, branch);
  }

  /** From the gradient on y to those on x and on the memory, which may be one. */
  backward(
    program: Program,
    [x, memory]: readonly [x: Rows, memory: Rows],
    dy: Rows,
    dx: SharedGradient,
    dmemory: SharedGradient,
  ): void {
    const { self, cross, feedForward, dfirst, dsecond, dbranch } = this;
    const [first, second, third] = this.norms;
    const queries = this.ofSteps(x);
    third.backward(program, dy, { dx: dsecond, dbranch });
    feedForward.backward(program, second.y, dbranch, dsecond);
    second.backward(program, dsecond, { dx: dfirst, dbranch });
    cross.backward(program, first.y, memory, dbranch);
    cross.backwardInputs(program, dfirst, dmemory.rows, dmemory.isEmpty ? 'none' : 'all');
    first.backward(program, dfirst, { dx: this.ofSteps(dx.rows), accumulate: !dx.isEmpty, dbranch });
    self.backward(program, queries, x, dbranch);
    self.backwardSelf(program, dx.rows, dx.isEmpty && this.R < this.T ? 'last' : 'all');
  }

  /** Weights of the last query over the memory, mean over the heads, into `into` [B][T]. */
  addShares(program: Program, into: Rows): void {
    this.cross.addShares(program, into);
  }

  private ofSteps(rows: Rows): Rows {
    return this.R === this.T ? rows : stepOf(rows, this.T - 1);
  }
}
