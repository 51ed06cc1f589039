/** Input of a report: plain data gathered by the report service. No store, no files here. */
import type { ClaimOutcome } from '#shared/domain/verdicts/claims.ts';
import type { RecipeFiles } from '#shared/domain/recipe/command-line.ts';
import type { ComparableRun, RunComparison } from '#shared/domain/evaluation/comparison.ts';
import type { Evaluation, Verdict } from '#shared/domain/evaluation/evaluation.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import type { SplitEvidence } from '#shared/domain/verdicts/verdicts.ts';

export interface ReportRun {
  readonly run: ComparableRun;
  readonly epochs: readonly EpochRecord[];
  /** Gates read so far, as sentences. */
  readonly gates: readonly { readonly message: string; readonly passed: boolean }[];
  /** Files as a command line names them. */
  readonly files: RecipeFiles;
  readonly dataName: string;
  readonly oodName: string | null;
  /** Models of other runs among the parts of a Gram mixture, e.g. "AMN of run #3 (cured)". */
  readonly parts: readonly string[];
  readonly split: SplitEvidence | null;
  /** Own validation windows first, then OOD; only what was evaluated. */
  readonly evaluations: readonly Evaluation[];
  /** Why it ended, where it was not by reaching its last epoch. */
  readonly reason: string;
}

/** Texts of the sample windows of an evaluation, in their order. */
export type SampleTexts = ReadonlyMap<Evaluation, readonly WindowTexts[]>;

export interface ReportInput {
  readonly subject: ReportRun;
  readonly baseline: ReportRun | null;
  /** Baseline first, subject second; null without a baseline. */
  readonly comparison: RunComparison | null;
  /** A claim stored with an earlier report of this run, and its outcome. */
  readonly earlierClaim: ClaimOutcome | null;
  /** Empty unless texts were asked for: reports travel. */
  readonly texts: SampleTexts;
  readonly generatedAt: Date;
  readonly version: string;
}

/** "#12 (mse-infonce)", or "#12" for a run without a name of its own. */
export function runTitle({ run }: ReportRun): string {
  return run.name === '' ? `#${run.number}` : `#${run.number} (${run.name})`;
}

/** Verdicts of every evaluation of a run, each code once. */
export function verdictsOf(of: ReportRun): Verdict[] {
  const found = new Map<string, Verdict>();
  for (const evaluation of of.evaluations) {
    for (const verdict of evaluation.verdicts) if (!found.has(verdict.code)) found.set(verdict.code, verdict);
  }
  return [...found.values()];
}
