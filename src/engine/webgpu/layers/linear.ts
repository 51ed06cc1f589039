/** y = x·Wᵀ + b over the rows of a batch; W [outputs, inputs]. */
import type { LinearParameters, ParameterBank } from '../bank.ts';
import { inputProduct, product, weightProduct } from '../products/gemm.ts';
import type { Program } from '../program.ts';
import { firstRowsOf, stepOf, type Rows } from '../rows.ts';

export interface LinearOptions {
  /** Default: true. */
  readonly bias?: boolean;
  /** Adds to what is there. */
  readonly accumulate?: boolean;
}

export interface InputGradientOptions {
  /** First input; as many follow as `dx` has columns. */
  readonly first?: number;
  /** Adds to what is there. */
  readonly accumulate?: boolean;
}

/** Outputs [first, first + outputs) of the parameters of a Linear. */
export interface OutputPart extends LinearParameters {
  readonly first: number;
}

export function outputPart(parameters: LinearParameters, first: number, outputs: number): OutputPart {
  return { ...parameters, first, outputs };
}

export class Linear {
  private readonly name: string;
  private readonly part: OutputPart;

  /** `part`: parameters that are in the bank already; else they are added under `name`. */
  constructor(
    bank: ParameterBank,
    name: string,
    inputs: number,
    outputs: number,
    part = outputPart(bank.linear(name, inputs, outputs), 0, outputs),
  ) {
    this.name = name;
    this.part = part;
  }

  forward(program: Program, x: Rows, out: Rows, { bias = true, accumulate = false }: LinearOptions = {}): void {
    const { weight, bias: b, first: biasOffset } = this.part;
    const columns = this.columns(0);
    const operands = { x, weight: weight.w, columns, biasOffset, out, accumulate };
    product(program, `${this.name} forward`, { ...operands, ...(bias && { bias: b.w }) });
  }

  backwardInput(program: Program, dy: Rows, dx: Rows, options: InputGradientOptions = {}): void {
    const { first = 0, accumulate = false } = options;
    const operands = { dy, weight: this.part.weight.w, columns: this.columns(first), dx, accumulate };
    inputProduct(program, `${this.name} input gradient`, operands);
  }

  backwardWeight(program: Program, x: Rows, dy: Rows, { bias = true }: LinearOptions = {}): void {
    const { weight, bias: b, first: biasOffset } = this.part;
    const operands = { dy, x, dweight: weight.g, columns: this.columns(0), biasOffset };
    weightProduct(program, `${this.name} weight gradient`, { ...operands, ...(bias && { dbias: b.g }) });
  }

  /** Columns of the weight from input `first` on, beginning at the row of the first output. */
  private columns(first: number) {
    const { inputs, first: firstOutput } = this.part;
    return { offset: firstOutput * inputs + first, stride: inputs };
  }
}

/** Which steps of a gradient hold a part of it already, to which the rest is added. */
export type Filled = 'none' | 'last' | 'all';

/** Adds the gradient dy·W to the steps of `dx` that are filled and writes it to the others. */
export function addInputGradient(program: Program, linear: Linear, dy: Rows, dx: Rows, filled: Filled): void {
  if (filled !== 'last') return linear.backwardInput(program, dy, dx, { accumulate: filled === 'all' });
  const last = dx.R - 1;
  if (last > 0) linear.backwardInput(program, firstRowsOf(dy, last), firstRowsOf(dx, last));
  linear.backwardInput(program, stepOf(dy, last), stepOf(dx, last), { accumulate: true });
}
