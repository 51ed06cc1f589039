/** Comparison of runs with a baseline run (the first): what it looks at, and its result. The comparing: compare-runs.ts. */
import { z } from 'zod';
import { SEVERITIES } from './evaluation.ts';
import { IntervalSchema, type Interval } from './interval.ts';
import type { Task } from '../datasets/task.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { MetricIntervals, TermTable } from '../runs/training.ts';

/** Everything of a run that a comparison looks at. */
export interface ComparableRun {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly status: string;
  readonly recipe: Recipe;
  /** Its file may state only part of the recipe; the rest are defaults. */
  readonly isImported: boolean;
  /** null: not known. */
  readonly task: Task | null;
  readonly figures: RunFigures;
  /** Of the cosines and lifts among the figures; runs of earlier versions have none. */
  readonly intervals?: MetricIntervals;
  /** Facts of the training and OOD set by label, e.g. sha256, rows, coherence. */
  readonly data: Readonly<Record<string, Fact>>;
  /** Program version, engine, threads, variant. */
  readonly code: Readonly<Record<string, Fact>>;
  readonly deterministic: boolean;
  /** Loss terms of the last epoch. */
  readonly terms: TermTable | null;
}
/** Intervals of a run's cosines minus the baseline run's; null: not measured, or measured on other windows. */
export const PairedDifferenceSchema = z.object({
  validation: IntervalSchema.nullable(),
  ood: IntervalSchema.nullable(),
});
export type PairedDifference = z.infer<typeof PairedDifferenceSchema>;
export type Fact = string | number | boolean | null;

export const RUN_FIGURES = [
  ['valCosine', 'Validation cosine', 'higher'],
  ['oodCosine', 'OOD cosine', 'higher'],
  ['valLift', 'Validation lift', 'higher'],
  ['oodLift', 'OOD lift', 'higher'],
  ['valLoss', 'Validation loss', 'lower'],
  ['baselineVal', 'Mean of context, validation', 'none'],
  ['baselineOod', 'Mean of context, OOD', 'none'],
  ['bestEpoch', 'Best epoch', 'none'],
  ['epochs', 'Epochs run', 'none'],
  ['trainRows', 'Training rows', 'none'],
  ['parameters', 'Parameters', 'none'],
  ['rowsPerSecond', 'Rows per second', 'higher'],
  ['durationMs', 'Duration', 'lower'],
  ['statedVal', 'Validation cosine, stated by its file', 'none'],
] as const;
export type RunFigure = (typeof RUN_FIGURES)[number][0];
export type RunFigures = Readonly<Record<RunFigure, number | null>>;

/** Figures to show of these runs; `statedVal` only where the file of an imported run states it. */
export function figuresOf(runs: readonly ComparableRun[]) {
  return RUN_FIGURES.filter(([metric]) => metric !== 'statedVal' || runs.some((run) => run.figures[metric] !== null));
}

/** 95 % interval of a figure; null: not a cosine or lift, or not measured. */
export function figureInterval({ intervals }: ComparableRun, figure: RunFigure): Interval | null {
  const known: Readonly<Partial<Record<string, Interval | null>>> = intervals ?? {};
  return known[figure] ?? null;
}

export const RUN_VERDICT_CODES = [
  'IDENTICAL_RECIPES',
  'SAME_RESULT',
  'ONLY_SEED',
  'DIFFERENT_TASK',
  'DIFFERENT_DATA',
  'HARDER_DATA',
  'LOSS_OUT_OF_BALANCE',
  'ONE_CHANGE',
  'SEVERAL_CHANGES',
  'PARTLY_STATED',
  'UNEXPLAINED',
  'NOT_FINISHED',
] as const;
export type RunVerdictCode = (typeof RUN_VERDICT_CODES)[number];

const figureOrNull = z.number().nullable();
const fact = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const differenceRow = z.object({ field: z.string(), label: z.string(), values: z.array(z.unknown()) });

export const RunComparisonSchema = z.object({
  runs: z.array(z.object({ id: z.string(), number: z.int(), name: z.string(), status: z.string() })),
  /** One row a figure; entry i belongs to run i, deltas and percents are against run 0. */
  metrics: z.array(
    z.object({
      metric: z.string(),
      label: z.string(),
      better: z.enum(['higher', 'lower', 'none']),
      values: z.array(figureOrNull),
      /** 95 % intervals of the values; null: not a cosine or lift, or not measured. */
      valueIntervals: z.array(IntervalSchema.nullable()),
      deltas: z.array(figureOrNull),
      percents: z.array(figureOrNull),
      /** 95 % intervals of the deltas, paired over the articles; null: not a cosine or lift, or measured on other windows. */
      intervals: z.array(IntervalSchema.nullable()),
    }),
  ),
  /** Only what differs; empty: identical. */
  recipeDiff: z.array(differenceRow),
  dataDiff: z.array(differenceRow),
  codeDiff: z.array(differenceRow),
  identicalRecipes: z.boolean(),
  /** A run was imported: fields that its file does not state are not compared. */
  isPartial: z.boolean(),
  verdicts: z.array(
    z.object({
      code: z.enum(RUN_VERDICT_CODES),
      severity: z.enum(SEVERITIES),
      /** Run it is about. */
      runId: z.string(),
      message: z.string(),
      evidence: z.record(z.string(), fact),
    }),
  ),
});
export type RunComparison = z.infer<typeof RunComparisonSchema>;
export type RunVerdict = RunComparison['verdicts'][number];
export type DifferenceRow = z.infer<typeof differenceRow>;
