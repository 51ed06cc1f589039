/** Metrics whose curves can be compared: values of each epoch, or columns of each step. */
import { TERMS, TERM_LABELS, type Term } from '#shared/domain/models/terms.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { EpochRecord, StepColumn } from '#shared/domain/runs/training.ts';
import { formatCosine, formatCount, formatDelta, formatFigure, formatShare } from '../../ui/text/format.ts';

type Format = (value: number | null) => string;

interface MetricBase {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly format: Format;
  /** Offers a log scale; true: log at first. */
  readonly log?: boolean;
  /** Rows whose mean-of-context baseline belongs beside it. */
  readonly baseline?: 'validation' | 'ood';
  /** Term that a run must train on: the metric is 0 in all others. */
  readonly trainedTerm?: Term;
}
export interface EpochMetric extends MetricBase {
  readonly kind: 'epoch';
  readonly value: (epoch: EpochRecord) => number | null;
}
export interface StepMetric extends MetricBase {
  readonly kind: 'step';
  readonly column: StepColumn;
}
export type Metric = EpochMetric | StepMetric;

const figure: Format = (value) => formatFigure(value, 3);

function lift(value: number | null, baseline: number | null | undefined): number | null {
  return value === null || baseline === null || baseline === undefined ? null : value - baseline;
}

function epoch(
  id: string,
  label: string,
  format: Format,
  value: EpochMetric['value'],
  more: Partial<MetricBase> = {},
): Metric {
  return { kind: 'epoch', id, label, format, value, ...more };
}

function step(id: string, label: string, format: Format, column: StepColumn, more: Partial<MetricBase> = {}): Metric {
  return { kind: 'step', id, label, format, column, ...more };
}

const METRICS: readonly Metric[] = [
  epoch('valCosine', 'Validation cosine', formatCosine, (e) => e.valCosine, { baseline: 'validation' }),
  epoch('oodCosine', 'OOD cosine', formatCosine, (e) => e.oodCosine, { baseline: 'ood' }),
  epoch('valLift', 'Validation lift', formatDelta, (e) => lift(e.valCosine, e.baselines.contextMean?.valCosine), {
    hint: 'over the mean of the context',
  }),
  epoch('oodLift', 'OOD lift', formatDelta, (e) => lift(e.oodCosine, e.baselines.contextMean?.oodCosine), {
    hint: 'over the mean of the context',
  }),
  step('trainCosine', 'Training cosine', formatCosine, 'cosine'),
  step('total', 'Total loss', figure, 'total', { log: true, hint: 'sums of different λ are not on one scale' }),
  ...TERMS.map((term) =>
    step(`value-${term}`, TERM_LABELS[term], figure, `value/${term}`, { log: true, hint: 'unweighted' }),
  ),
  ...TERMS.map((term) =>
    step(`grad-${term}`, `${TERM_LABELS[term]}, gradient share`, formatShare, `gradShare/${term}`, {
      trainedTerm: term,
    }),
  ),
  step('gradNorm', 'Gradient norm', figure, 'gradNorm', { log: false, hint: 'before clipping' }),
  step('lr', 'Learning rate', figure, 'lr', { log: true }),
  epoch('diversity', 'Diversity', figure, (e) => e.diversity.predictions),
  epoch('effectiveRank', 'Effective rank', figure, (e) => e.effectiveRank.predictions),
  epoch('rowsPerSecond', 'Speed', formatCount, (e) => e.rowsPerSecond, { hint: 'rows a second' }),
];

export const DEFAULT_METRICS: readonly string[] = ['valCosine', 'oodCosine', 'total', 'grad-info_nce'];

/** Without those of terms that none of the runs trains on. */
export function metricsOf(recipes: readonly Recipe[]): Metric[] {
  return METRICS.filter(
    ({ trainedTerm: term }) => term === undefined || recipes.some(({ lambda }) => lambda[term] > 0),
  );
}
