/**
 * Causal multi-head attention, PyTorch's MultiheadAttention: in_proj rows are queries, keys, values. T positions, H width,
 * `steps` query positions: all T, or the last alone. Where queries and keys come from the same sequence, all of it, one
 * product makes them all ("joint").
 */
import { AttentionBackward, AttentionForward } from '../abi/attention.ts';
import { FLOAT_BYTES, PANEL_ROWS, paddedFeatures, panelCount, panelRow, type Matrix } from '../layout.ts';
import type { NetworkContext, WeightTerm } from '../models/network.ts';
import { outputPart, type ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';
import type { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { sequenceRows, type Sequence, type SequenceGradient } from './sequence.ts';

export interface AttentionSizes {
  readonly T: number;
  readonly H: number;
  readonly heads: number;
  readonly steps: number;
  /** Queries and keys come from the same sequence. */
  readonly isSelf: boolean;
}

export class Attention {
  /** Gradient on the sequence that the queries come from (with the keys' where joint). */
  private readonly dqueries: Matrix;
  private readonly name: string;
  private readonly sizes: AttentionSizes;
  private readonly isJoint: boolean;
  private readonly dropout: Dropout;
  private readonly all: Linear;
  private readonly ofQueries: Linear;
  private readonly ofKeys: Linear;
  private readonly out: Linear;
  private readonly q: Matrix;
  private readonly kv: Matrix;
  private readonly dq: Sequence;
  private readonly dkv: Sequence;
  private readonly joint: Sequence;
  private readonly weights: number;
  private readonly mixed: Sequence;
  private readonly dmixed: Matrix;

  constructor(
    bank: ParameterBank,
    { arena, maxB }: NetworkContext,
    name: string,
    sizes: AttentionSizes,
    dropout: Dropout,
  ) {
    const { T, H, heads, steps } = sizes;
    const [all, queries] = [sequenceRows(T, maxB), sequenceRows(steps, maxB)];
    const first = paddedFeatures(H);
    this.name = name;
    this.sizes = sizes;
    this.isJoint = sizes.isSelf && steps === T;
    this.dropout = dropout;
    const names = { weight: `${name}.in_proj_weight`, bias: `${name}.in_proj_bias` };
    const blocks = bank.linear(names, [H], [H, 2 * H]);
    this.all = new Linear(bank, `${name}.in_proj`, [H], 3 * H, blocks);
    this.ofQueries = new Linear(bank, `${name}.in_proj queries`, [H], H, outputPart(blocks, 0, H));
    this.ofKeys = new Linear(bank, `${name}.in_proj keys`, [H], 2 * H, outputPart(blocks, first, 2 * H));
    this.out = new Linear(bank, `${name}.out_proj`, [H], H);
    const panels = () => {
      if (!this.isJoint) return { q: arena.panel(H, queries), kv: arena.panel(2 * H, all) };
      const q = arena.panel(first + 2 * H, all);
      return { q, kv: { at: panelRow(q, first), pitch: q.pitch, features: 2 * H } };
    };
    const [values, gradients] = [panels(), panels()];
    this.q = values.q;
    this.kv = values.kv;
    const strip = arena.strip8(this.isJoint ? first + 2 * H : H, queries);
    const keyStrip = this.isJoint
      ? { ...strip, at: strip.at + (first / PANEL_ROWS) * strip.pitch }
      : arena.strip8(2 * H, all);
    this.joint = { panel: gradients.q, strip };
    this.dq = { panel: gradients.q, strip };
    this.dkv = { panel: gradients.kv, strip: keyStrip };
    this.weights = arena.floats(PANEL_ROWS * panelCount(maxB) * heads * T * T);
    this.mixed = { panel: arena.panel(H, queries), strip: arena.strip12(H, queries) };
    this.dmixed = arena.panel(H, queries);
    this.dqueries = arena.panel(H, queries);
  }

  /** Keys and values of a sequence that is no query; no barrier. */
  projectKeys(program: Program, from: Matrix, B: number): void {
    this.ofKeys.forward(program, from, this.kv, sequenceRows(this.sizes.T, B));
  }

  /**
   * queries: panels of the query positions; keys: of all positions, absent where `projectKeys` has seen them. Writes the
   * projected output over `into`; ends with a barrier.
   */
  forward(program: Program, queries: Matrix, keys: Matrix | undefined, into: Matrix, B: number): void {
    const rows = sequenceRows(this.sizes.steps, B);
    if (this.isJoint) this.all.forward(program, queries, this.q, rows);
    else {
      this.ofQueries.forward(program, queries, this.q, rows);
      if (keys) this.projectKeys(program, keys, B);
    }
    program.barrier();
    program.add(`${this.name} mix`, AttentionForward, panelCount(B), {
      q: this.q.at,
      qPitch: this.q.pitch,
      kv: this.kv.at,
      kvPitch: this.kv.pitch,
      out: this.mixed.panel.at,
      outPitch: this.mixed.panel.pitch,
      ...this.shape(B),
      weights: this.weights,
      scale: this.scale,
      strip: this.mixed.strip.at,
      stripPitch: this.mixed.strip.pitch,
      ...this.dropout.args(program),
    });
    program.barrier();
    this.out.forward(program, this.mixed.panel, into, rows);
    program.barrier();
  }

  /** From the gradient on the output to those of queries, keys and values; ends with a barrier. */
  backward(program: Program, dout: Matrix, B: number): void {
    this.out.backwardInput(program, dout, this.dmixed, sequenceRows(this.sizes.steps, B));
    program.barrier();
    program.add(`${this.name} mix backward`, AttentionBackward, panelCount(B), {
      q: this.q.at,
      qPitch: this.q.pitch,
      kv: this.kv.at,
      kvPitch: this.kv.pitch,
      dout: this.dmixed.at,
      doutPitch: this.dmixed.pitch,
      ...this.shape(B),
      weights: this.weights,
      scale: this.scale,
      dq: this.dq.panel.at,
      dqStrip: this.dq.strip.at,
      dqStripPitch: this.dq.strip.pitch,
      dkv: this.dkv.panel.at,
      dkvStrip: this.dkv.strip.at,
      dkvStripPitch: this.dkv.strip.pitch,
      ...this.dropout.args(program),
    });
    program.barrier();
  }

  /**
   * Gradient on the sequence of the queries and, into `dkeys` where it is another product, on that of the keys; no
   * barrier. The first is over the query positions.
   */
  inputGradients(program: Program, dkeys: Matrix, B: number): Matrix {
    const rows = sequenceRows(this.sizes.steps, B);
    if (this.isJoint) this.all.backwardInput(program, this.joint.panel, this.dqueries, rows);
    else {
      this.ofQueries.backwardInput(program, this.dq.panel, this.dqueries, rows);
      this.ofKeys.backwardInput(program, this.dkv.panel, dkeys, sequenceRows(this.sizes.T, B));
    }
    return this.dqueries;
  }

  /** The gradient on its input where queries and keys come from one sequence, `dkeys` as in `inputGradients`. */
  selfGradient(dkeys: Matrix): SequenceGradient {
    if (this.isJoint) return { everywhere: [this.dqueries], last: [] };
    return { everywhere: [dkeys], last: [this.dqueries] };
  }

  weightTerms(queries: Sequence, keys: Sequence, dout: Sequence, B: number): WeightTerm[] {
    const rows = sequenceRows(this.sizes.steps, B);
    const term = (linear: Linear, x: Sequence, gradient: Sequence, count: number): WeightTerm => ({
      linear,
      inputs: [x.panel],
      inputStrip: x.strip,
      gradient: gradient.panel,
      gradientStrip: gradient.strip,
      bias: true,
      rows: count,
    });
    const projections = this.isJoint
      ? [term(this.all, queries, this.joint, rows)]
      : [
          term(this.ofQueries, queries, this.dq, rows),
          term(this.ofKeys, keys, this.dkv, sequenceRows(this.sizes.T, B)),
        ];
    return [...projections, term(this.out, this.mixed, dout, rows)];
  }

  private get scale(): { float: number } {
    return { float: 1 / Math.sqrt(this.sizes.H / this.sizes.heads) };
  }

  private shape(B: number) {
    const { T, H, heads, steps } = this.sizes;
    return { P: panelCount(B), T, first: T - steps, heads, S: H / heads };
  }
}

/** Bytes of scratch of one thread that the backward pass needs: weights of four rows for T keys. */
export function attentionScratch(T: number): number {
  return T * 4 * FLOAT_BYTES;
}
