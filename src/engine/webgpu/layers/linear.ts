/** y = x·Wᵀ + b over the rows of a batch; W [outputs, inputs]. */
import type { LinearParameters, ParameterBank } from '../bank.ts';
import { inputProduct, product, weightProduct } from '../gemm.ts';
import type { Program } from '../program.ts';
import type { Rows } from '../rows.ts';

export interface LinearOptions {
  /** Default: true. */
  readonly bias?: boolean;
  /** Adds to what is there. */
  readonly accumulate?: boolean;
}

export class Linear {
  private readonly name: string;
  private readonly parameters: LinearParameters;

  constructor(bank: ParameterBank, name: string, inputs: number, outputs: number) {
    this.name = name;
    this.parameters = bank.linear(name, inputs, outputs);
  }

  forward(program: Program, x: Rows, out: Rows, { bias = true, accumulate = false }: LinearOptions = {}): void {
    const { weight, bias: b } = this.parameters;
    product(program, `${this.name} forward`, { x, weight: weight.w, out, accumulate, ...(bias && { bias: b.w }) });
  }

  /** Gradient of the inputs from `first` on, as many as `dx` has columns. */
  backwardInput(program: Program, dy: Rows, dx: Rows, first = 0): void {
    const { weight, inputs } = this.parameters;
    const columns = { offset: first, stride: inputs };
    inputProduct(program, `${this.name} input gradient`, { dy, weight: weight.w, columns, dx });
  }

  backwardWeight(program: Program, x: Rows, dy: Rows, { bias = true }: LinearOptions = {}): void {
    const { weight, bias: b } = this.parameters;
    weightProduct(program, `${this.name} weight gradient`, { dy, x, dweight: weight.g, ...(bias && { dbias: b.g }) });
  }
}
