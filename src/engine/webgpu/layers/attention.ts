/**
 * Causal multi-head attention, PyTorch's MultiheadAttention: in_proj rows are queries, keys, values. T positions, H width,
 * R query positions: all T, or the last alone. Where queries and keys come from all of one sequence, one product makes them
 * all ("joint").
 */
import type { ParameterBank } from '../bank.ts';
import { grid, READ, WRITE } from '../kernel.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { columnsOf, rowsOf, stepOf, type Rows } from '../rows.ts';
import { elementGroups, elementKernel } from '../wgsl.ts';
import { backwardKernel, forwardKernel, type AttentionShape } from './attention-kernels.ts';
import type { Dropout } from './dropout.ts';
import { addInputGradient, Linear, outputPart, type Filled } from './linear.ts';

export interface AttentionSizes {
  readonly T: number;
  readonly H: number;
  readonly heads: number;
  readonly R: number;
  readonly maxB: number;
  /** Queries and keys come from the same sequence. */
  readonly isSelf: boolean;
}

export class Attention {
  private readonly sizes: AttentionSizes;
  private readonly isJoint: boolean;
  private readonly dropout: Dropout;
  private readonly all: Linear;
  private readonly ofQueries: Linear;
  private readonly ofKeys: Linear;
  private readonly out: Linear;
  private readonly joint: Rows;
  private readonly djoint: Rows;
  private readonly q: Rows;
  private readonly kv: Rows;
  private readonly dq: Rows;
  private readonly dkv: Rows;
  private readonly weights: Tensor;
  private readonly slopes: Tensor;
  private readonly mixed: Rows;
  private readonly dmixed: Rows;

  constructor(bank: ParameterBank, memory: Memory, name: string, sizes: AttentionSizes, dropout: Dropout) {
    const { T, H, heads, R, maxB, isSelf } = sizes;
    this.sizes = sizes;
    this.isJoint = isSelf && R === T;
    this.dropout = dropout;
    const names = { weight: `${name}.in_proj_weight`, bias: `${name}.in_proj_bias` };
    const parameters = bank.linear(names, H, 3 * H);
    const part = (first: number, outputs: number) =>
      new Linear(bank, `${name}.in_proj`, H, outputs, outputPart(parameters, first, outputs));
    this.all = part(0, 3 * H);
    this.ofQueries = part(0, H);
    this.ofKeys = part(H, 2 * H);
    this.out = new Linear(bank, `${name}.out_proj`, H, H);
    // Three blocks of columns where joint, else queries and keys with values in memory of their own.
    const room = (label: string, make: (label: string, length: number) => Tensor) => {
      const columns = (this.isJoint ? 3 : 2) * H;
      const joint = rowsOf(make(`${label} keys`, maxB * T * columns), columns, T);
      if (this.isJoint) return { joint, q: columnsOf(joint, 0, H), kv: columnsOf(joint, H, 2 * H) };
      return { joint, q: rowsOf(make(`${label} queries`, maxB * R * H), H, R), kv: joint };
    };
    const values = room(name, (label, length) => memory.tensor(label, length));
    const gradients = room('attention gradient', (label, length) => memory.scratch(label, length));
    [this.joint, this.q, this.kv] = [values.joint, values.q, values.kv];
    [this.djoint, this.dq, this.dkv] = [gradients.joint, gradients.q, gradients.kv];
    this.weights = memory.tensor(`${name} weights`, maxB * heads * T * T);
    this.slopes = memory.scratch('attention slopes', maxB * heads * T * T);
    this.mixed = rowsOf(memory.tensor(`${name} mixed`, maxB * R * H), H, R);
    this.dmixed = rowsOf(memory.scratch('attention dmixed', maxB * R * H), H, R);
  }

  /** queries: R rows; keys: T rows. */
  forward(program: Program, queries: Rows, keys: Rows, out: Rows): void {
    if (this.isJoint) this.all.forward(program, queries, this.joint);
    else {
      this.ofQueries.forward(program, queries, this.q);
      this.ofKeys.forward(program, keys, this.kv);
    }
    const { sizes, weights, mixed, q, kv } = this;
    const tensors = { queries: q.tensor, keys: kv.tensor, weights, mixed: mixed.tensor };
    program.add(forwardKernel(this.shape, this.dropout.element(program)), tensors, (B) => grid(B * sizes.heads));
    this.out.forward(program, mixed, out);
  }

  /** From the gradient on the output to those of the projections and their weights. */
  backward(program: Program, queries: Rows, keys: Rows, dout: Rows): void {
    const { sizes, isJoint, weights, slopes, mixed, dmixed, q, kv, dq, dkv } = this;
    this.out.backwardInput(program, dout, dmixed);
    this.out.backwardWeight(program, mixed, dout);
    const tensors = {
      queries: q.tensor,
      keys: kv.tensor,
      weights,
      dmixed: dmixed.tensor,
      slopes,
      dkeys: dkv.tensor,
      ...(isJoint ? {} : { dqueries: dq.tensor }),
    };
    const kernel = backwardKernel(this.shape, this.dropout.element(program), isJoint);
    program.add(kernel, tensors, (B) => grid(B * sizes.heads));
    if (isJoint) return this.all.backwardWeight(program, queries, this.djoint);
    this.ofQueries.backwardWeight(program, queries, dq);
    this.ofKeys.backwardWeight(program, keys, dkv);
  }

  /** Adds the gradient on the queries to `dqueries`, and that on the keys to the steps of `dkeys` that are filled. */
  backwardInputs(program: Program, dqueries: Rows, dkeys: Rows, filled: Filled): void {
    this.ofQueries.backwardInput(program, this.dq, dqueries, { accumulate: true });
    addInputGradient(program, this.ofKeys, this.dkv, dkeys, filled);
  }

  /** Adds the gradient on the sequence of queries and keys to `dx`, whose steps of queries are filled. */
  backwardSelf(program: Program, dx: Rows, filled: Filled): void {
    const { T, R } = this.sizes;
    if (this.isJoint) this.all.backwardInput(program, this.djoint, dx, { accumulate: true });
    else this.backwardInputs(program, R === T ? dx : stepOf(dx, T - 1), dx, filled);
  }

  /** Weights of the last query, mean over the heads, into `into` [B][T]. */
  addShares(program: Program, into: Rows): void {
    const { T, heads } = this.sizes;
    const body = `var sum = 0.0;
  for (var n = 0u; n < ${heads}u; n++) { sum += weights[((b * ${heads}u + n) * ${T}u + ${T - 1}u) * ${T}u + d]; }
  shares[at] = sum / ${heads}.0;`;
    const buffers = { weights: READ, shares: WRITE };
    const kernel = elementKernel({ label: 'attention shares', buffers, columns: T, body });
    program.add(kernel, { weights: this.weights, shares: into.tensor }, elementGroups(T));
  }

  private get shape(): AttentionShape {
    const { T, H, heads, R } = this.sizes;
    return { T, first: T - R, heads, S: H / heads, queries: this.q, keys: this.kv };
  }
}
