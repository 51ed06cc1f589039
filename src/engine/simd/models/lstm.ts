/**
 * Stacked LSTM with dropout between its layers; the last step is projected.
 * B batch rows, T context length, D width, H hidden width.
 */
import type { LstmSpec } from '#shared/domain/models/models.ts';
import type { Matrix } from '../layout.ts';
import { Dropout } from '../layers/dropout.ts';
import { Linear } from '../layers/linear.ts';
import { LstmLayer } from '../layers/lstm.ts';
import { SequenceInput, sequenceRows, stepPanel, stepStrip, type Sequence } from '../layers/sequence.ts';
import { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Network, NetworkContext, VectorParameter, WeightTerm } from './network.ts';

/** What one layer hands to the next: its hidden states, some of them dropped, and their gradient. */
interface Link {
  readonly dropout: Dropout;
  readonly x: Sequence;
  readonly dx: Matrix;
}

export class Lstm implements Network {
  readonly bank = new ParameterBank();
  readonly vectors: readonly VectorParameter[] = [];
  private readonly input: SequenceInput;
  private readonly layers: readonly LstmLayer[];
  private readonly links: readonly Link[];
  private readonly last: Linear;
  private readonly output: Matrix;
  private readonly dlast: Matrix;
  private readonly T: number;

  constructor({ arena, input, hyper, maxB }: NetworkContext, spec: LstmSpec) {
    const { T, D, hiddenDim: H } = spec;
    const rows = sequenceRows(T, maxB);
    this.T = T;
    this.input = new SequenceInput(arena, input, maxB);
    this.layers = Array.from(
      { length: spec.numLayers },
      (_, i) => new LstmLayer(this.bank, arena, i, { I: i === 0 ? D : H, H, T, maxB }),
    );
    this.links = Array.from({ length: spec.numLayers - 1 }, (_, i) => ({
      dropout: new Dropout(spec.dropout, i, hyper),
      x: { panel: arena.panel(H, rows), strip: arena.strip12(H, rows) },
      dx: arena.panel(H, rows),
    }));
    this.last = new Linear(this.bank, 'output_proj', [H], D);
    this.output = arena.panel(D, maxB);
    this.dlast = arena.panel(H, maxB);
  }

  forward(program: Program, slot: number, B: number): { output: Matrix } {
    const rows = sequenceRows(this.T, B);
    this.input.forward(program, slot, B);
    program.barrier();
    this.layers.forEach((layer, i) => {
      layer.forward(program, this.inputOf(i).panel, B);
      const link = this.links[i];
      if (!link) return;
      link.dropout.apply(program, layer.h.panel, link.x.panel, rows, link.x.strip);
      program.barrier();
    });
    this.last.forward(program, this.lastState(B).panel, this.output, B);
    program.barrier();
    return { output: this.output };
  }

  backward(program: Program, _slot: number, B: number, draw: Matrix): void {
    const { T } = this;
    this.last.backwardInput(program, draw, this.dlast, B);
    program.barrier();
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const above = this.links[i];
      const ofLast = (t: number) => (t === T - 1 ? this.dlast : undefined);
      this.layers[i].backward(program, above ? (t) => stepPanel(above.dx, t, B) : ofLast, B);
      const below = this.links[i - 1];
      if (!below) continue;
      this.layers[i].inputGradient(program, below.dx, B);
      below.dropout.apply(program, below.dx, below.dx, sequenceRows(T, B));
      program.barrier();
    }
  }

  vectorGradients(program: Program, B: number): void {
    for (const layer of this.layers) layer.biasGradient(program, B);
  }

  weightTerms(draw: Matrix, drawStrip: Matrix, B: number): WeightTerm[] {
    const { panel, strip } = this.lastState(B);
    return [
      ...this.layers.flatMap((layer, i) => layer.weightTerms(this.inputOf(i), B)),
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

  private inputOf(layer: number): Sequence {
    return layer === 0 ? this.input : this.links[layer - 1].x;
  }

  private lastState(B: number): Sequence {
    const { h } = this.layers[this.layers.length - 1];
    return { panel: stepPanel(h.panel, this.T - 1, B), strip: stepStrip(h.strip, 12, this.T - 1, B) };
  }
}
