/**
 * Post-norm Transformer decoder whose memory is its own embedded input; both attentions causal; the last step goes to the
 * head. B batch rows, T context length, D width, H = dModel.
 */
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import { positionTable } from '../../positions.ts';
import type { Matrix } from '../layout.ts';
import { DecoderLayer, MemoryGradient } from '../layers/decoder.ts';
import { GeluNorm } from '../layers/gelu-norm.ts';
import { Linear } from '../layers/linear.ts';
import { InputProjection } from '../layers/projection.ts';
import { SequenceInput, type Sequence, type SequenceGradient } from '../layers/sequence.ts';
import { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Network, NetworkContext, VectorParameter, WeightTerm } from './network.ts';

export class Transformer implements Network {
  readonly bank = new ParameterBank();
  private readonly input: SequenceInput;
  private readonly projection: InputProjection;
  private readonly layers: readonly DecoderLayer[];
  private readonly memoryGradient: MemoryGradient;
  private readonly head: GeluNorm;
  private readonly last: Linear;
  private readonly output: Matrix;
  private readonly dlast: Matrix;
  /** Address of [T][H] floats. */
  private readonly positions: number;
  private readonly T: number;
  private readonly H: number;

  constructor(context: NetworkContext, spec: TransformerSpec) {
    const { arena, input, maxB } = context;
    const { T, D, dModel: H, numLayers } = spec;
    const { bank } = this;
    this.T = T;
    this.H = H;
    this.input = new SequenceInput(arena, input, maxB);
    this.projection = new InputProjection(bank, arena, { D, H, T, maxB });
    this.positions = arena.floats(T * H);
    this.layers = Array.from(
      { length: numLayers },
      (_, i) => new DecoderLayer(bank, context, spec, i, i === numLayers - 1),
    );
    this.memoryGradient = new MemoryGradient(context, T, H);
    this.head = new GeluNorm(bank, arena, { linear: 'head.0', norm: 'head.2' }, { segments: [H], F: H, maxB });
    this.last = new Linear(bank, 'head.3', [H], D);
    this.output = arena.panel(D, maxB);
    this.dlast = arena.panel(H, maxB);
  }

  initialise(buffer: ArrayBufferLike): void {
    new Float32Array(buffer, this.positions, this.T * this.H).set(positionTable(this.T, this.H));
  }

  forward(program: Program, slot: number, B: number): { output: Matrix } {
    this.input.forward(program, slot, B);
    program.barrier();
    this.projection.forward(program, this.input, B, this.positions);
    for (const layer of this.layers) layer.projectMemory(program, this.projection.panel, B);
    this.layers.forEach((layer, i) => layer.forward(program, this.inputOf(i).panel, B));
    this.head.forward(program, this.top.y.panel, B);
    this.last.forward(program, this.head.y, this.output, B);
    program.barrier();
    return { output: this.output };
  }

  backward(program: Program, _slot: number, B: number, draw: Matrix): void {
    this.last.backwardInput(program, draw, this.head.dy, B);
    program.barrier();
    this.head.backwardNorm(program, B);
    this.head.backwardInput(program, this.dlast, B);
    let gradient: SequenceGradient = { everywhere: [this.dlast], last: [] };
    for (let i = this.layers.length - 1; i >= 0; i--) {
      gradient = this.layers[i].backward(program, gradient, this.memoryGradient, B);
    }
    const { everywhere, last } = gradient;
    this.projection.backward(program, { everywhere: [...everywhere, this.memoryGradient.total], last }, B);
  }

  vectorGradients(program: Program, B: number): void {
    for (const layer of this.layers) layer.vectorGradients(program, B);
    this.head.normGradients(program, B);
  }

  get vectors(): VectorParameter[] {
    return [...this.layers.flatMap((layer) => layer.vectors), ...this.head.vectors];
  }

  weightTerms(draw: Matrix, drawStrip: Matrix, B: number): WeightTerm[] {
    const { panel, strip } = this.top.y;
    return [
      this.projection.weightTerm(this.input, B),
      ...this.layers.flatMap((layer, i) => layer.weightTerms(this.inputOf(i), this.projection, B)),
      this.head.weightTerm([panel], strip),
      {
        linear: this.last,
        inputs: [this.head.y],
        inputStrip: this.head.strip,
        gradient: draw,
        gradientStrip: drawStrip,
        bias: true,
      },
    ];
  }

  private inputOf(layer: number): Sequence {
    return layer === 0 ? this.projection : this.layers[layer - 1].y;
  }

  private get top(): DecoderLayer {
    return this.layers[this.layers.length - 1];
  }
}
