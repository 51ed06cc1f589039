/** The Linear that brings every context vector to the width of a sequence model, with positions where it has them. */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE } from '../kernel.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { elementGroups, elementKernel } from '../wgsl.ts';
import { Linear } from './linear.ts';

export interface ProjectionSizes {
  readonly D: number;
  readonly H: number;
  readonly T: number;
  readonly maxB: number;
}

export class InputProjection {
  /** [B][T][H] */
  readonly y: Rows;
  /** Gradient of y, written by the layers above. */
  readonly dy: Rows;
  private readonly linear: Linear;

  constructor(bank: ParameterBank, memory: Memory, { D, H, T, maxB }: ProjectionSizes) {
    this.linear = new Linear(bank, 'input_proj', D, H);
    this.y = rowsOf(memory.tensor('embedding', maxB * T * H), H, T);
    this.dy = rowsOf(memory.tensor('embedding gradient', maxB * T * H), H, T);
  }

  /** `positions` [T][H] are added. */
  forward(program: Program, x: Rows, positions?: Tensor): void {
    const { y } = this;
    this.linear.forward(program, x, y);
    if (!positions) return;
    const buffers = { y: WRITE, positions: READ };
    const columns = y.R * y.columns;
    const kernel = elementKernel({ label: 'positions', buffers, columns, body: 'y[at] += positions[d];' });
    program.add(kernel, { y: y.tensor, positions }, elementGroups(columns));
  }

  backward(program: Program, x: Rows): void {
    this.linear.backwardWeight(program, x, this.dy);
  }
}
