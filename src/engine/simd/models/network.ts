/** What a network adds to the engine: its parameters, and its forward and backward as operations of a program. */
import type { Matrix } from '../layout.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';

export interface Network {
  readonly bank: ParameterBank;
  /** Attention weights of the last forward, [B] rows `pitch` bytes apart, where the model has them. */
  readonly attention?: { readonly at: number; readonly pitch: number };
  /** Everything up to the output panel; ends with a barrier. `base`, when present, is added to the output. */
  forward(program: Program, slot: number, B: number): { readonly output: Matrix; readonly base?: Matrix };
  /** From the gradient on the output to the gradients of all parameters; the last operations need no barrier among them. */
  backward(program: Program, slot: number, B: number, draw: Matrix, drawStrip: Matrix): void;
}
