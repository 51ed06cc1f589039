/**
 * Post-norm Transformer decoder whose memory is its own embedded input; both attentions causal; the last step goes to the
 * head. B batch rows, T context length, D width, H = dModel.
 */
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import { positionTable } from '../../positions.ts';
import { ParameterBank } from '../bank.ts';
import { DecoderLayer } from '../layers/decoder.ts';
import { GeluNorm } from '../layers/gelu-norm.ts';
import { Linear } from '../layers/linear.ts';
import { InputProjection } from '../layers/projection.ts';
import type { Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { Network, NetworkContext } from './network.ts';

export class Transformer implements Network {
  readonly bank = new ParameterBank();
  readonly attention: Rows;
  private readonly context: NetworkContext;
  private readonly projection: InputProjection;
  private readonly layers: readonly DecoderLayer[];
  private readonly head: GeluNorm;
  private readonly last: Linear;
  /** [T][H] */
  private readonly positions: Tensor;
  private readonly dlast: Rows;
  /** Gradient between two layers [B][T][H]. */
  private readonly dx: Rows;

  constructor(context: NetworkContext, spec: TransformerSpec) {
    const { memory, maxB } = context;
    const { T, D, dModel: H, numLayers } = spec;
    const { bank } = this;
    this.context = context;
    this.projection = new InputProjection(bank, memory, { D, H, T, maxB });
    this.positions = memory.tensor('positions', T * H);
    memory.write(this.positions, positionTable(T, H));
    this.layers = Array.from(
      { length: numLayers },
      (_, layer) => new DecoderLayer(bank, memory, spec, { layer, R: layer + 1 < numLayers ? T : 1, maxB }),
    );
    this.head = new GeluNorm(bank, memory, { linear: 'head.0', norm: 'head.2' }, { I: H, F: H, maxB });
    this.last = new Linear(bank, 'head.3', H, D);
    this.attention = rowsOf(memory.tensor('attention shares', maxB * T), T);
    this.dlast = rowsOf(memory.tensor('dlast', maxB * H), H);
    this.dx = rowsOf(memory.tensor('decoder dx', maxB * T * H), H, T);
  }

  forward(program: Program): void {
    const { input, raw } = this.context;
    const { projection, layers, head } = this;
    projection.forward(program, input.networkContexts, this.positions);
    layers.forEach((layer, i) => layer.forward(program, this.inputOf(i), projection.y));
    if (!program.training) this.top.addShares(program, this.attention);
    head.forward(program, this.top.y);
    this.last.forward(program, head.y, raw, { accumulate: input.shift !== undefined });
  }

  backward(program: Program): void {
    const { input, draw } = this.context;
    const { projection, layers, head, dlast, dx } = this;
    this.last.backwardInput(program, draw, head.dy);
    this.last.backwardWeight(program, head.y, draw);
    head.backwardNorm(program);
    head.backwardInput(program, dlast);
    head.backwardWeight(program, this.top.y);
    let dy = dlast;
    for (let i = layers.length - 1; i >= 0; i--) {
      const dmemory = { rows: projection.dy, isEmpty: i === layers.length - 1 };
      // The memory is the input of the first layer too.
      const dinput = i === 0 ? { rows: projection.dy, isEmpty: false } : { rows: dx, isEmpty: true };
      layers[i].backward(program, [this.inputOf(i), projection.y], dy, dinput, dmemory);
      dy = dx;
    }
    projection.backward(program, input.networkContexts);
  }

  private inputOf(layer: number): Rows {
    return layer === 0 ? this.projection.y : this.layers[layer - 1].y;
  }

  private get top(): DecoderLayer {
    return this.layers[this.layers.length - 1];
  }
}
