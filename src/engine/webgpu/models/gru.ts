/**
 * Stack of GRU blocks: input projection, then LN(x + GRU(x)) per block; the last step is projected.
 * B batch rows, T context length, D width, H hidden width.
 */
import type { GruSpec } from '#shared/domain/models/models.ts';
import { ParameterBank } from '../bank.ts';
import { GruLayer } from '../layers/gru.ts';
import { Linear } from '../layers/linear.ts';
import { InputProjection } from '../layers/projection.ts';
import { ResidualNorm } from '../layers/residual-norm.ts';
import type { Program } from '../program.ts';
import { rowsOf, stepOf, type Rows } from '../rows.ts';
import type { Network, NetworkContext } from './network.ts';

interface Block {
  readonly gru: GruLayer;
  /** Over all steps; in the last block over the last step, the only one that is read. */
  readonly norm: ResidualNorm;
  /** Gradient on the input of the block [B][T][H]. */
  readonly dx: Rows;
}

export class Gru implements Network {
  readonly bank = new ParameterBank();
  private readonly context: NetworkContext;
  private readonly projection: InputProjection;
  private readonly blocks: readonly Block[];
  private readonly last: Linear;
  private readonly dlast: Rows;
  private readonly T: number;

  constructor(context: NetworkContext, spec: GruSpec) {
    const { memory, maxB } = context;
    const { T, D, dModel: H, numLayers } = spec;
    const { bank } = this;
    this.context = context;
    this.T = T;
    this.projection = new InputProjection(bank, memory, { D, H, T, maxB });
    this.blocks = Array.from({ length: numLayers }, (_, i) => ({
      gru: new GruLayer(bank, memory, `blocks.${i}.gru`, { I: H, H, T, maxB }),
      norm: new ResidualNorm(bank, memory, `blocks.${i}.norm`, { F: H, R: i + 1 < numLayers ? T : 1, maxB }),
      dx: i === 0 ? this.projection.dy : rowsOf(memory.tensor(`blocks.${i} dx`, maxB * T * H), H, T),
    }));
    this.last = new Linear(bank, 'output_proj', H, D);
    this.dlast = rowsOf(memory.tensor('dlast', maxB * H), H);
  }

  forward(program: Program): void {
    const { input, raw } = this.context;
    this.projection.forward(program, input.networkContexts);
    this.blocks.forEach(({ gru, norm }, i) => {
      const x = this.inputOf(i);
      gru.forward(program, x);
      norm.forward(program, this.readSteps(i, x), this.readSteps(i, gru.h));
    });
    this.last.forward(program, this.top.norm.y, raw, { accumulate: input.shift !== undefined });
  }

  backward(program: Program): void {
    const { input, draw } = this.context;
    this.last.backwardInput(program, draw, this.dlast);
    this.last.backwardWeight(program, this.top.norm.y, draw);
    let dy = this.dlast;
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const { gru, norm, dx } = this.blocks[i];
      const isTop = this.isTop(i);
      norm.backward(program, dy, { dx: this.readSteps(i, dx) });
      const above = (t: number) => (isTop && t < this.T - 1 ? undefined : stepOf(dx, t));
      gru.backward(program, this.inputOf(i), above);
      gru.backwardInput(program, dx, isTop ? 'last' : 'all');
      dy = dx;
    }
    this.projection.backward(program, input.networkContexts);
  }

  private inputOf(block: number): Rows {
    return block === 0 ? this.projection.y : this.blocks[block - 1].norm.y;
  }

  /** The steps that the norm of a block sees. */
  private readSteps(block: number, rows: Rows): Rows {
    return this.isTop(block) ? stepOf(rows, this.T - 1) : rows;
  }

  private isTop(block: number): boolean {
    return block === this.blocks.length - 1;
  }

  private get top(): Block {
    return this.blocks[this.blocks.length - 1];
  }
}
