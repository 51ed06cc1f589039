/**
 * Shifted inputs: the network reads every context less its own mean or less the corpus mean; the same shift is added to its
 * output. A wrapper around any network; the shift has no gradient. T context length, D width.
 */
import type { InputShift as ShiftKind } from '#shared/domain/models/models.ts';
import { CONTEXT_MEAN_WEIGHTS, CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import { ShiftInput } from '../abi/input.ts';
import { paddedFeatures, type Arena, type Matrix } from '../layout.ts';
import type { ParameterBank } from '../parameters.ts';
import type { Program } from '../program.ts';

export class InputShift {
  /** Shift of each batch row [B][L]. */
  readonly rows: Matrix;
  /** Shifted context rows [B·T][L], for the slot that runs. */
  readonly contexts: Matrix;
  /** 1/|x_t| [B][T] of the shifted rows, which the network's first operation writes; not read. */
  readonly inverseNorms: number;
  private readonly kind: ShiftKind;
  private readonly T: number;
  private mean: (() => number) | undefined;

  constructor(arena: Arena, kind: ShiftKind, T: number, D: number, maxB: number) {
    this.kind = kind;
    this.T = T;
    this.rows = arena.rows(D, maxB);
    this.contexts = arena.rows(D, maxB * T);
    this.inverseNorms = arena.floats(maxB * T);
  }

  /** Adds the constant of the model to its bank, after all parameters. */
  addConstant(bank: ParameterBank): void {
    const { features: D } = this.rows;
    if (this.kind === 'relative') bank.constant(CONTEXT_MEAN_WEIGHTS, this.T);
    else {
      const offset = bank.constant(CORPUS_MEAN, D, paddedFeatures(D));
      this.mean = () => bank.address('weights', offset);
    }
  }

  /** Writes `rows`, `contexts` and the inverse norms of the unshifted rows; ends with a barrier. */
  forward(program: Program, contexts: Matrix, inverseNorms: number, B: number): void {
    program.add('shift input', ShiftInput, B, {
      contexts: contexts.at,
      T: this.T,
      rowBytes: contexts.pitch,
      mean: this.mean?.() ?? 0,
      shift: this.rows.at,
      shifted: this.contexts.at,
      inverseContextNorms: inverseNorms,
    });
    program.barrier();
  }
}
