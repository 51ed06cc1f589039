/** What every verdict rule works with: its input, the thresholds that several share, the error of a difference. */
import type { Comparison } from '../datasets/passport.ts';
import type { Task } from '../datasets/task.ts';
import type { Measurement, Parity, Reference, Severity, Verdict, VerdictCode } from '../evaluation/evaluation.ts';
import type { TermTable } from '../runs/training.ts';
import type { Term } from '../models/terms.ts';

/** What is known of the split the model was trained on. */
export interface SplitEvidence {
  readonly kind: string;
  readonly sharedVectors: number | null;
  readonly sharedArticles: number | null;
}

export interface VerdictInput {
  /** Of the windows; null or absent: not known. */
  readonly task?: Task | null;
  readonly measured: Measurement;
  /** null: no checkpoint stands behind the predictions (a baseline, a test). */
  readonly parity: Parity | null;
  /** Same model, its own validation windows. null when these are those windows, or they were not measured. */
  readonly reference: Reference | null;
  readonly space: Comparison | null;
  readonly split: SplitEvidence | null;
  /** Loss terms of the run's last epoch, and their λ. */
  readonly terms: TermTable | null;
  readonly lambda: Readonly<Record<Term, number>> | null;
}

export type Rule = (input: VerdictInput) => Verdict | null;

/** All cosines below this at every position mean: the prediction has nothing to do with these vectors. */
export const NOTHING = 0.1;
/** A baseline of at least this shows that the set itself can be predicted. */
export const ALIVE = 0.15;
/** Differences of mean cosines below this are not worth a verdict, however many rows say so. */
export const NOTICEABLE = 0.03;
/** Standard errors a difference must exceed. */
export const SURE = 3;

export function verdict(
  code: VerdictCode,
  severity: Severity,
  message: string,
  evidence: Verdict['evidence'],
): Verdict {
  return { code, severity, message, evidence };
}

/** Windows that overlap are no independent rows: about this many share their vectors, and their article its theme. */
const DEPENDENT_ROWS = 6;

/** Squared standard error of a mean cosine; a spread of 0.2 is usual where none was measured. */
export function squaredError(std: number | null, rows: number): number {
  return ((std ?? 0.2) ** 2 * DEPENDENT_ROWS) / Math.max(rows, 1);
}

/** Standard error of the difference of two mean cosines. */
export function uncertainty(measured: Measurement, reference: Reference): number {
  return Math.sqrt(squaredError(measured.cosine.std, measured.rows) + squaredError(reference.std, reference.rows));
}

const CONSTANT_SHARE = 0.1;

/** The predictions differ by less than a tenth of what the targets do. */
export function isConstant({ diversity: { predictions, targets } }: Measurement): boolean {
  return predictions !== null && targets !== null && targets > 0 && predictions <= CONSTANT_SHARE * targets;
}
