/** Columns of the table of runs: heading, help, what is shown and what it is sorted by. Not here: which are visible. */
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { formatCosine, formatCount, formatDelta, formatDuration, formatWhen } from '../../ui/text/format.ts';
import { recipeBrief } from '../../ui/text/recipe-brief.ts';
import { statusLabel } from '../../ui/text/run-status.ts';

export const COLUMN_IDS = [
  'name',
  'status',
  'model',
  'dataset',
  'recipe',
  'validation',
  'ood',
  'lift',
  'oodLift',
  'delta',
  'trend',
  'speed',
  'duration',
  'created',
] as const;
export type ColumnId = (typeof COLUMN_IDS)[number];

/** What a cell may need besides its run. */
export interface RowContext {
  /** The run Δ is taken against, or null. */
  readonly reference: RunSummary | null;
}

export interface Column {
  readonly id: ColumnId;
  readonly label: string;
  readonly help?: string;
  /** Aligned to the end. */
  readonly numeric: boolean;
  readonly widthPx: number;
  readonly text: (run: RunSummary, context: RowContext) => string;
  /** null sorts last in both directions. */
  readonly sortKey: (run: RunSummary, context: RowContext) => number | string | null;
  readonly tone?: (run: RunSummary, context: RowContext) => 'good' | 'bad' | undefined;
}

export function deltaOf(run: RunSummary, { reference }: RowContext): number | null {
  if (reference === null || reference.id === run.id || run.best === null || reference.best === null) return null;
  return run.best.valCosine - reference.best.valCosine;
}

function sign(value: number | null): 'good' | 'bad' | undefined {
  if (value === null || Math.abs(value) < 5e-5) return undefined;
  return value > 0 ? 'good' : 'bad';
}

const text = (
  id: ColumnId,
  label: string,
  widthPx: number,
  read: (run: RunSummary) => string,
  help?: string,
): Column => ({ id, label, widthPx, numeric: false, text: read, sortKey: (run) => read(run).toLowerCase(), help });

const figure = (
  id: ColumnId,
  label: string,
  widthPx: number,
  read: (run: RunSummary, context: RowContext) => number | null,
  format: (value: number | null) => string,
  help?: string,
  toned = false,
): Column => ({
  id,
  label,
  widthPx,
  numeric: true,
  text: (run, context) => format(read(run, context)),
  sortKey: read,
  tone: toned ? (run, context) => sign(read(run, context)) : undefined,
  help,
});

export const COLUMNS: readonly Column[] = [
  { ...text('name', 'Run', 190, (run) => run.name), sortKey: (run) => run.number },
  text('status', 'Status', 106, statusLabel),
  text('model', 'Model', 88, (run) => MODEL_LABELS[run.recipe.modelType]),
  text('dataset', 'Data set', 96, (run) => run.datasetName),
  text('recipe', 'Recipe', 168, (run) => recipeBrief(run.recipe), 'Loss weights, epochs, batch size, learning rate.'),
  figure('validation', 'Valid.', 64, (run) => run.best?.valCosine ?? null, formatCosine, 'Best validation cosine.'),
  figure('ood', 'OOD', 64, (run) => run.best?.oodCosine ?? null, formatCosine, 'OOD cosine at the best epoch.'),
  figure(
    'lift',
    'Lift',
    72,
    (run) => run.valLift,
    formatDelta,
    'Best validation cosine over the mean of the context on the same rows. Below 0 the model is worse than no model.',
    true,
  ),
  figure(
    'oodLift',
    'OOD lift',
    76,
    (run) => run.oodLift,
    formatDelta,
    'OOD cosine over the mean of the context on the OOD rows.',
    true,
  ),
  figure('delta', 'Δ', 74, deltaOf, formatDelta, 'Validation cosine against the reference run.', true),
  {
    ...figure(
      'trend',
      'Trend',
      76,
      (run) => run.epochsDone,
      () => '',
      'Validation cosine of each epoch.',
    ),
    numeric: false,
  },
  figure('speed', 'Rows/s', 64, (run) => run.rowsPerSecond, formatCount, 'Rows trained on per second.'),
  figure(
    'duration',
    'Time',
    78,
    (run) => run.durationMs || null,
    formatDuration,
    'Training and evaluation, without pauses.',
  ),
  figure(
    'created',
    'Started',
    104,
    (run) => run.createdAt,
    (at) => formatWhen(at),
  ),
];

export const DEFAULT_COLUMNS: readonly ColumnId[] = [
  'name',
  'status',
  'model',
  'recipe',
  'validation',
  'ood',
  'lift',
  'delta',
  'trend',
  'speed',
  'duration',
];
