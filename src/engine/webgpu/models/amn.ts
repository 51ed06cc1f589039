/**
 * AMN: base = mean of the context, mix = attention mixture of it, raw = base + residual network of [base, mix]; with
 * position weights the residual is added to Σ_t w_t ⊙ x_t instead of the base.
 * B batch rows, T context length, D width, A attention width, H hidden width.
 */
import type { AmnSpec } from '#shared/domain/models/models.ts';
import { ParameterBank } from '../bank.ts';
import { GeluNorm } from '../layers/gelu-norm.ts';
import { Linear } from '../layers/linear.ts';
import { AttentionMixture } from '../layers/mixture.ts';
import { Skip } from '../layers/skip.ts';
import type { Program } from '../program.ts';
import { columnsOf, rowsOf, type Rows } from '../rows.ts';
import type { Network, NetworkContext } from './network.ts';

export class Amn implements Network {
  readonly bank = new ParameterBank();
  private readonly context: NetworkContext;
  private readonly mixture: AttentionMixture;
  private readonly first: GeluNorm;
  private readonly second: GeluNorm;
  private readonly last: Linear;
  private readonly skip: Skip;
  /** [base, mix], D columns each. */
  private readonly joined: Rows;
  private readonly base: Rows;
  private readonly mix: Rows;

  constructor(context: NetworkContext, spec: AmnSpec) {
    const { memory, maxB } = context;
    const { D, T, dModel: A, hiddenDim: H } = spec;
    const { bank } = this;
    const half = Math.floor(H / 2);
    this.context = context;
    this.mixture = new AttentionMixture(bank, memory, { T, D, A }, maxB);
    const names = (linear: number, norm: number) => ({
      linear: `residual_net.${linear}`,
      norm: `residual_net.${norm}`,
    });
    this.first = new GeluNorm(bank, memory, names(0, 2), { I: 2 * D, F: H, maxB });
    this.second = new GeluNorm(bank, memory, names(3, 5), { I: H, F: half, maxB });
    this.last = new Linear(bank, 'residual_net.6', half, D);
    this.skip = new Skip(bank, T, D, spec.skip !== undefined);
    this.joined = rowsOf(memory.tensor('base and mix', maxB * 2 * D), 2 * D);
    this.base = columnsOf(this.joined, 0, D);
    this.mix = columnsOf(this.joined, D, D);
  }

  get attention(): Rows {
    return this.mixture.weights;
  }

  forward(program: Program): void {
    const { input, raw } = this.context;
    const contexts = input.networkContexts;
    const skip = { contexts: contexts.tensor, mean: this.base, raw: raw.tensor };
    this.skip.forward(program, skip, input.shift !== undefined);
    this.mixture.forward(program, contexts, this.base, this.mix);
    this.first.forward(program, this.joined);
    this.second.forward(program, this.first.y);
    this.last.forward(program, this.second.y, raw, { accumulate: true });
  }

  backward(program: Program): void {
    const { input, draw } = this.context;
    const contexts = input.networkContexts;
    this.skip.backward(program, contexts.tensor, draw.tensor);
    this.last.backwardInput(program, draw, this.second.dy);
    this.last.backwardWeight(program, this.second.y, draw);
    this.second.backwardNorm(program);
    this.second.backwardInput(program, this.first.dy);
    this.second.backwardWeight(program, this.first.y);
    this.first.backwardNorm(program);
    this.first.backwardInput(program, this.mixture.dmix, this.mix.offset);
    this.first.backwardWeight(program, this.joined);
    this.mixture.backward(program, contexts, this.base);
  }
}
