/** What a network adds to the engine: its parameters, its forward and its backward as kernels of a program. */
import type { ParameterBank } from '../bank.ts';
import type { Program } from '../program.ts';
import type { Rows } from '../rows.ts';

export interface Network {
  readonly bank: ParameterBank;
  /** Attention weights [B][T] of the last forward, where the model has them. */
  readonly attention?: Rows;
  /** From the contexts of the batch to `raw` of the loss head: output + base + shift. */
  forward(program: Program): void;
  /** From the gradient on `raw` to the gradients of all parameters. */
  backward(program: Program): void;
}
