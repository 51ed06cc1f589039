/** Linear → ReLU → dropout → Linear over R rows of each item. H width, F hidden width. */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE } from '../kernel.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { elementGroups, elementKernel } from '../wgsl.ts';
import type { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';

export interface FeedForwardSizes {
  readonly H: number;
  readonly F: number;
  readonly R: number;
  readonly maxB: number;
}

export class FeedForward {
  private readonly columns: number;
  private readonly F: number;
  private readonly dropout: Dropout;
  private readonly first: Linear;
  private readonly second: Linear;
  private readonly hidden: Rows;
  private readonly dhidden: Rows;

  constructor(bank: ParameterBank, memory: Memory, name: string, sizes: FeedForwardSizes, dropout: Dropout) {
    const { H, F, R, maxB } = sizes;
    this.columns = R * F;
    this.F = F;
    this.dropout = dropout;
    this.first = new Linear(bank, `${name}.linear1`, H, F);
    this.second = new Linear(bank, `${name}.linear2`, F, H);
    this.hidden = rowsOf(memory.tensor(`${name} hidden`, maxB * R * F), F, R);
    this.dhidden = rowsOf(memory.scratch('dhidden', maxB * R * F), F, R);
  }

  forward(program: Program, x: Rows, out: Rows): void {
    const { columns, F, hidden, dropout } = this;
    this.first.forward(program, x, hidden);
    const kernel = elementKernel({
      label: 'ReLU',
      buffers: { y: WRITE },
      declarations: dropout.sequence(program, F),
      columns,
      body: `y[at] = max(y[at], 0.0) * keep_at(b, d / ${F}u, d % ${F}u);`,
    });
    program.add(kernel, { y: hidden.tensor }, elementGroups(columns));
    this.second.forward(program, hidden, out);
  }

  /** Adds the gradient on x to `dx`. */
  backward(program: Program, x: Rows, dout: Rows, dx: Rows): void {
    const { columns, hidden, dhidden } = this;
    this.second.backwardInput(program, dout, dhidden);
    this.second.backwardWeight(program, hidden, dout);
    const kernel = elementKernel({
      label: 'ReLU backward',
      buffers: { dx: WRITE, y: READ },
      columns,
      body: `dx[at] = select(0.0, dx[at] * ${this.dropout.scale(program)}, y[at] > 0.0);`,
    });
    program.add(kernel, { dx: dhidden.tensor, y: hidden.tensor }, elementGroups(columns));
    this.first.backwardWeight(program, x, dhidden);
    this.first.backwardInput(program, dhidden, dx, { accumulate: true });
  }
}
