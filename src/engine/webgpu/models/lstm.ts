/**
 * Stacked LSTM with dropout between its layers; the last step is projected.
 * B batch rows, T context length, D width, H hidden width.
 */
import type { LstmSpec } from '#shared/domain/models/models.ts';
import { ParameterBank } from '../bank.ts';
import { Dropout } from '../layers/dropout.ts';
import { Linear } from '../layers/linear.ts';
import { LstmLayer } from '../layers/lstm.ts';
import type { Program } from '../program.ts';
import { rowsOf, stepOf, type Rows } from '../rows.ts';
import type { Network, NetworkContext } from './network.ts';

export class Lstm implements Network {
  readonly bank = new ParameterBank();
  private readonly context: NetworkContext;
  private readonly layers: readonly LstmLayer[];
  private readonly last: Linear;
  private readonly T: number;
  /** Gradients of the last hidden state [B][H], and of the input of a layer [B][T][H]. */
  private readonly dlast: Rows;
  private readonly dx: Rows;

  constructor(context: NetworkContext, spec: LstmSpec) {
    const { memory, maxB } = context;
    const { T, D, hiddenDim: H, numLayers } = spec;
    this.context = context;
    this.T = T;
    this.layers = Array.from({ length: numLayers }, (_, i) => {
      const sizes = { I: i === 0 ? D : H, H, T, maxB };
      const dropout = i + 1 < numLayers ? new Dropout(spec.dropout, i) : undefined;
      return new LstmLayer(this.bank, memory, i, sizes, dropout);
    });
    this.last = new Linear(this.bank, 'output_proj', H, D);
    this.dlast = rowsOf(memory.tensor('dlast', maxB * H), H);
    this.dx = rowsOf(memory.tensor('dx', maxB * T * H), H, T);
  }

  forward(program: Program): void {
    const { input, raw } = this.context;
    this.layers.forEach((layer, i) => layer.forward(program, this.inputOf(i)));
    this.last.forward(program, this.lastState, raw, { accumulate: input.shift !== undefined });
  }

  backward(program: Program): void {
    const { draw } = this.context;
    const { T, dx, dlast } = this;
    this.last.backwardInput(program, draw, dlast);
    this.last.backwardWeight(program, this.lastState, draw);
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const isTop = i === this.layers.length - 1;
      const ofLast = (t: number) => (t === T - 1 ? dlast : undefined);
      this.layers[i].backward(program, this.inputOf(i), isTop ? ofLast : (t) => stepOf(dx, t));
      if (i > 0) this.layers[i].backwardInput(program, dx);
    }
  }

  private inputOf(layer: number): Rows {
    return layer === 0 ? this.context.input.networkContexts : this.layers[layer - 1].y;
  }

  private get lastState(): Rows {
    return stepOf(this.layers[this.layers.length - 1].y, this.T - 1);
  }
}
