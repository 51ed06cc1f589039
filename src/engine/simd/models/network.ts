/** What a network adds to the engine: its parameters, and its forward and backward as operations of a program. */
import type { BatchInput } from '../input.ts';
import type { Linear } from '../layers/linear.ts';
import type { Arena, Matrix } from '../layout.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';

/** What a network is laid out in. */
export interface NetworkContext {
  readonly arena: Arena;
  readonly input: BatchInput;
  /** Address of the hyperparameters. */
  readonly hyper: number;
  readonly maxB: number;
}

/** One weight gradient dW = gradientᵀ·input: both sides as panels and as the strips that the product reads. */
export interface WeightTerm {
  readonly linear: Linear;
  /** Panels whose features follow one another in the input. */
  readonly inputs: readonly Matrix[];
  readonly inputStrip: Matrix;
  readonly gradient: Matrix;
  readonly gradientStrip: Matrix;
  readonly bias: boolean;
  /** Rows of the strips where they are a sequence's and not the batch's; such a weight is never updated in place. */
  readonly rows?: number;
}

/** A vector parameter whose gradient is computed into the bank: byte offset and length. */
export interface VectorParameter {
  readonly offset: number;
  readonly bytes: number;
}

export interface Network {
  readonly bank: ParameterBank;
  /** Attention weights of the last forward, [B] rows `pitch` bytes apart, where the model has them. */
  readonly attention?: { readonly at: number; readonly pitch: number };
  /** Everything up to the output panel; ends with a barrier. `base`, when present, is added to the output. */
  forward(program: Program, slot: number, B: number): { readonly output: Matrix; readonly base?: Matrix };
  /** From the gradient on the output (panel and strip8) to those of all activations; ends with a barrier. */
  backward(program: Program, slot: number, B: number, draw: Matrix, drawStrip: Matrix): void;
  /** Gradients of everything that is no Linear, into the bank; no barrier. */
  vectorGradients(program: Program, B: number): void;
  weightTerms(draw: Matrix, drawStrip: Matrix, B: number): WeightTerm[];
  /** Writes constants that the kernels read, once. */
  initialise?(buffer: ArrayBufferLike): void;
  readonly vectors: readonly VectorParameter[];
}
