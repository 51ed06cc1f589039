/**
 * y = LN(x + dropout(branch)): what closes a residual block of the GRU stack and of the Transformer. R rows of F features
 * for each item of the batch: all steps of a sequence, or its last alone.
 */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE } from '../kernel.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowStart, type Rows } from '../rows.ts';
import type { Dropout } from './dropout.ts';
import { LayerNorm, type NormSizes } from './norm.ts';

/** Where the gradient on x and the branch goes. */
interface ResidualGradient {
  readonly dx: Rows;
  /** Adds to what is in `dx`. */
  readonly accumulate?: boolean;
  /** Contiguous; absent where nothing is dropped and the gradient on the branch is that on x. */
  readonly dbranch?: Rows;
}

export class ResidualNorm {
  private readonly sizes: NormSizes;
  private readonly norm: LayerNorm;
  private readonly dropout: Dropout | undefined;

  constructor(bank: ParameterBank, memory: Memory, name: string, sizes: NormSizes, dropout?: Dropout) {
    this.sizes = sizes;
    this.norm = new LayerNorm(bank, memory, name, sizes);
    this.dropout = dropout;
  }

  get y(): Rows {
    return this.norm.y;
  }

  forward(program: Program, x: Rows, branch: Rows): void {
    this.norm.forward(program, {
      label: 'residual norm',
      buffers: { x: READ, branch: READ },
      tensors: { x: x.tensor, branch: branch.tensor },
      declarations: this.keep(program),
      prologue: `let x_row = ${rowStart(x, 'b')};
  let branch_row = ${rowStart(branch, 'b')};`,
      value: `fma(branch[branch_row + f], ${this.factor}, x[x_row + f])`,
    });
  }

  /** From the gradient on y to those on x and on the branch, and of the parameters. */
  backward(program: Program, dy: Rows, { dx, accumulate = false, dbranch }: ResidualGradient): void {
    this.norm.backward(program, dy, {
      label: 'residual norm backward',
      buffers: { dx: WRITE, ...(dbranch && { dbranch: WRITE }) },
      tensors: { dx: dx.tensor, ...(dbranch && { dbranch: dbranch.tensor }) },
      declarations: this.keep(program),
      prologue: `let dx_row = ${rowStart(dx, 'b')};`,
      store: `dx[dx_row + f] ${accumulate ? '+=' : '='} dh;
    ${dbranch ? `dbranch[row + f] = dh * ${this.factor};` : ''}`,
    });
  }

  private keep(program: Program): string {
    return this.dropout?.sequence(program, this.sizes.F) ?? '';
  }

  /** WGSL: factor of the branch at feature f of row b. */
  private get factor(): string {
    const { R } = this.sizes;
    return this.dropout ? `keep_at(b / ${R}u, b % ${R}u, f)` : '1.0';
  }
}
