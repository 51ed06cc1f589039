/** Loss terms as WGSL. Each piece sees the names of the kernel that it is put into. */
import type { RowField } from '../../losses/terms.ts';
import type { Term } from '#shared/domain/models/terms.ts';

export interface TermCode {
  /** Statements that store what row `b` decides; see row-values.ts. */
  readonly rowValues?: string;
  /** Statements that store coefficients and values of dimension `d`; see batch-statistics.ts. */
  readonly dimension?: string;
  /** Expression: the term's unweighted gradient at row `b` and dimension `d`; see gradient.ts. */
  readonly gradient: string;
}

/** A term on the unit prediction: its gradient is that on p, and the squared norm of what this is on raw is measured. */
export interface UnitTermCode extends TermCode {
  readonly norm2: RowField;
  readonly functions?: string;
  /** Statements that all threads of a row run before its gradients; a barrier follows. */
  readonly prepare?: string;
  /** The gradient once more, where that is cheaper. */
  readonly gradientAgain?: string;
}

/** With its name, which is that of its λ. */
export type WeightedTerm<Code> = Code & { readonly term: Term };
