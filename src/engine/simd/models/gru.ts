/**
 * Stack of residual GRU blocks, y = LN(x + gru(x)); the last step of the last block is projected.
 * B batch rows, T context length, D width, H = dModel.
 */
import type { GruSpec } from '#shared/domain/models/models.ts';
import type { Matrix } from '../layout.ts';
import { Dropout } from '../layers/dropout.ts';
import { GruLayer } from '../layers/gru.ts';
import { Linear } from '../layers/linear.ts';
import { InputProjection } from '../layers/projection.ts';
import { ResidualNorm } from '../layers/residual-norm.ts';
import { SequenceInput, stepPanel, type Sequence, type SequenceGradient } from '../layers/sequence.ts';
import { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Network, NetworkContext, VectorParameter, WeightTerm } from './network.ts';

interface Block {
  readonly gru: GruLayer;
  /** Over all steps; in the last block over the last step, the only one that is read. */
  readonly norm: ResidualNorm;
}

export class Gru implements Network {
  readonly bank = new ParameterBank();
  private readonly input: SequenceInput;
  private readonly projection: InputProjection;
  private readonly blocks: readonly Block[];
  private readonly last: Linear;
  private readonly output: Matrix;
  private readonly dlast: Matrix;
  private readonly T: number;

  constructor({ arena, input, hyper, maxB }: NetworkContext, spec: GruSpec) {
    const { T, D, dModel: H, numLayers } = spec;
    const { bank } = this;
    this.T = T;
    this.input = new SequenceInput(arena, input, maxB);
    this.projection = new InputProjection(bank, arena, { D, H, T, maxB });
    const nothing = new Dropout(0, 0, hyper);
    this.blocks = Array.from({ length: numLayers }, (_, i) => {
      const sizes = { F: H, steps: i + 1 < numLayers ? T : 1, maxB };
      return {
        gru: new GruLayer(bank, arena, `blocks.${i}.gru`, { H, T, maxB }),
        norm: new ResidualNorm(bank, arena, `blocks.${i}.norm`, sizes, nothing),
      };
    });
    this.last = new Linear(bank, 'output_proj', [H], D);
    this.output = arena.panel(D, maxB);
    this.dlast = arena.panel(H, maxB);
  }

  forward(program: Program, slot: number, B: number): { output: Matrix } {
    this.input.forward(program, slot, B);
    program.barrier();
    this.projection.forward(program, this.input, B);
    this.blocks.forEach(({ gru, norm }, i) => {
      const x = this.inputOf(i).panel;
      gru.forward(program, x, B);
      const from = this.isTop(i) ? this.T - 1 : 0;
      norm.forward(program, stepPanel(x, from, B), B, stepPanel(gru.h.panel, from, B));
    });
    this.last.forward(program, this.topNorm.y.panel, this.output, B);
    program.barrier();
    return { output: this.output };
  }

  backward(program: Program, _slot: number, B: number, draw: Matrix): void {
    this.last.backwardInput(program, draw, this.dlast, B);
    program.barrier();
    let gradient: SequenceGradient = { everywhere: [this.dlast], last: [] };
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const { gru, norm } = this.blocks[i];
      norm.backward(program, gradient, B);
      if (this.isTop(i)) {
        gru.backward(program, (t) => (t === this.T - 1 ? norm.dx : undefined), B);
        gradient = { everywhere: [gru.dx], last: [norm.dx] };
      } else {
        gru.backward(program, (t) => stepPanel(norm.dx, t, B), B);
        gradient = { everywhere: [gru.dx, norm.dx], last: [] };
      }
    }
    this.projection.backward(program, gradient, B);
  }

  vectorGradients(program: Program, B: number): void {
    for (const { gru, norm } of this.blocks) {
      gru.biasGradient(program, B);
      norm.weightGradients(program, B);
    }
  }

  get vectors(): VectorParameter[] {
    return this.blocks.flatMap(({ norm }) => norm.vectors);
  }

  weightTerms(draw: Matrix, drawStrip: Matrix, B: number): WeightTerm[] {
    const { panel, strip } = this.topNorm.y;
    return [
      this.projection.weightTerm(this.input, B),
      ...this.blocks.flatMap(({ gru }, i) => gru.weightTerms(this.inputOf(i), B)),
      {
        linear: this.last,
        inputs: [panel],
        inputStrip: strip,
        gradient: draw,
        gradientStrip: drawStrip,
        bias: true,
      },
    ];
  }

  private inputOf(block: number): Sequence {
    return block === 0 ? this.projection : this.blocks[block - 1].norm.y;
  }

  private isTop(block: number): boolean {
    return block === this.blocks.length - 1;
  }

  private get topNorm(): ResidualNorm {
    return this.blocks[this.blocks.length - 1].norm;
  }
}
