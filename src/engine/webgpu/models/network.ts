/** What a network adds to the engine: its parameters, its forward and its backward as kernels of a program. */
import type { ParameterBank } from '../bank.ts';
import type { BatchInput } from '../input.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import type { Rows } from '../rows.ts';

/** What a network reads and writes. */
export interface NetworkContext {
  readonly memory: Memory;
  readonly input: BatchInput;
  /** Model output [B][D]. Holds the shift of the inputs, to which the output is added, where `input.shift` is set. */
  readonly raw: Rows;
  /** Gradient of the loss on `raw` [B][D]. */
  readonly draw: Rows;
  readonly maxB: number;
}

export interface Network {
  readonly bank: ParameterBank;
  /** Attention weights [B][T] of the last forward, where the model has them. */
  readonly attention?: Rows;
  /** From `input.networkContexts` to `raw`. */
  forward(program: Program): void;
  /** From `draw` to the gradients of all parameters. */
  backward(program: Program): void;
}
