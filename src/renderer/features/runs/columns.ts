/** Columns of the table of runs: heading, help, what is shown and what it is sorted by. Not here: which are visible. */
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { nameWithTask, taskMark } from '#shared/domain/datasets/task.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { intervalText, isUnclear, type Interval } from '#shared/domain/evaluation/interval.ts';
import { figure as cosine, signed } from '#shared/domain/figures.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';
import { cosineDelta, type Rows } from '../../stores/pinned-run.ts';
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
  'oodDelta',
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
  /** 95 % interval of Δ; null: not measured, which it is against the pinned run only. */
  readonly deltaInterval: (rows: Rows) => Interval | null;
}

/** Of a column that takes no Δ. */
export const NO_REFERENCE: RowContext = { reference: null, deltaInterval: () => null };

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
  /** The 95 % interval of the figure, where it was measured; shown below it, to three decimals. */
  readonly interval?: (run: RunSummary) => string | undefined;
  /** The figure with its interval to four decimals. */
  readonly details?: (run: RunSummary, context: RowContext) => string | undefined;
}

function sign(value: number | null): 'good' | 'bad' | undefined {
  if (value === null || Math.abs(value) < 5e-5) return undefined;
  return value > 0 ? 'good' : 'bad';
}

type Heading = Pick<Column, 'id' | 'label' | 'widthPx' | 'help'>;

function text(heading: Heading, read: (run: RunSummary) => string): Column {
  return { ...heading, numeric: false, text: read, sortKey: (run) => read(run).toLowerCase() };
}

type Read = (run: RunSummary, context: RowContext) => number | null;

function figure(heading: Heading, read: Read, format: (value: number | null) => string): Column {
  return { ...heading, numeric: true, text: (run, context) => format(read(run, context)), sortKey: read };
}

/** A difference: green above 0, red below. */
function delta(heading: Heading, read: Read): Column {
  return { ...figure(heading, read, formatDelta), tone: (run, context) => sign(read(run, context)) };
}

/** A figure of the best epoch, with its interval; coloured where that does not hold 0. */
function measured(metric: GateMetric, column: Column): Column {
  const show = metric.endsWith('Lift') ? signed : cosine;
  const interval = (run: RunSummary) => run.best?.intervals?.[metric] ?? null;
  const { tone } = column;
  return {
    ...column,
    interval: (run) => intervalText(interval(run), (value) => show(value, 3)) || undefined,
    details: (run) => {
      const words = intervalText(interval(run), show);
      return words === '' ? undefined : `${column.text(run, NO_REFERENCE)} ${words}, 95 % interval`;
    },
    tone: tone && ((run, context) => (isUnclear(interval(run)) ? undefined : tone(run, context))),
  };
}

/** Δ of a cosine; grey where its interval holds 0. */
function difference(heading: Heading, rows: Rows): Column {
  const column = delta(heading, (run, { reference }) => cosineDelta(run, reference, rows));
  const interval = ({ deltaInterval }: RowContext) => deltaInterval(rows);
  return {
    ...column,
    tone: (run, context) => (isUnclear(interval(context)) ? undefined : column.tone?.(run, context)),
    details: (run, context) => {
      const words = intervalText(interval(context), signed);
      if (words === '') return undefined;
      const verdict = isUnclear(interval(context)) ? ': not distinguishable' : '';
      return `${column.text(run, context)} ${words}, 95 % interval over the articles${verdict}`;
    },
  };
}

const HELP = {
  recipe:
    'Context and history where they are not the usual ones; loss weights (parts of a Gram mixture), epochs, batch size, learning rate.',
  lift: 'Best validation cosine over the mean of the context on the same rows. Below 0 the model is worse than no model. Grey: not distinguishable from it.',
  oodLift: 'OOD cosine over the mean of the context on the OOD rows. Grey: not distinguishable from it.',
  delta: 'Validation cosine against the reference run. Grey: not distinguishable from it.',
  oodDelta: 'OOD cosine against the reference run. Grey: not distinguishable from it.',
};

function recipeWithTask({ recipe, task }: RunSummary): string {
  const mark = taskMark(task);
  return mark === '' ? recipeBrief(recipe) : `${mark} · ${recipeBrief(recipe)}`;
}

export const COLUMNS: readonly Column[] = [
  { ...text({ id: 'name', label: 'Run', widthPx: 166 }, (run) => run.name), sortKey: (run) => run.number },
  text({ id: 'status', label: 'Status', widthPx: 114 }, statusLabel),
  text({ id: 'model', label: 'Model', widthPx: 108 }, (run) => MODEL_LABELS[run.recipe.modelType]),
  text({ id: 'dataset', label: 'Data set', widthPx: 96 }, (run) => nameWithTask(run.datasetName, run.task)),
  text({ id: 'recipe', label: 'Recipe', widthPx: 104, help: HELP.recipe }, recipeWithTask),
  measured(
    'valCosine',
    figure(
      { id: 'validation', label: 'Valid.', widthPx: 84, help: 'Best validation cosine.' },
      (run) => run.best?.valCosine ?? null,
      formatCosine,
    ),
  ),
  measured(
    'oodCosine',
    figure(
      { id: 'ood', label: 'OOD', widthPx: 84, help: 'OOD cosine at the best epoch.' },
      (run) => run.best?.oodCosine ?? null,
      formatCosine,
    ),
  ),
  measured(
    'valLift',
    delta({ id: 'lift', label: 'Lift', widthPx: 104, help: HELP.lift }, (run) => run.valLift),
  ),
  measured(
    'oodLift',
    delta({ id: 'oodLift', label: 'OOD lift', widthPx: 104, help: HELP.oodLift }, (run) => run.oodLift),
  ),
  difference({ id: 'delta', label: 'Δ', widthPx: 66, help: HELP.delta }, 'validation'),
  difference({ id: 'oodDelta', label: 'Δ OOD', widthPx: 84, help: HELP.oodDelta }, 'ood'),
  {
    id: 'trend',
    label: 'Trend',
    widthPx: 64,
    help: 'Validation cosine of each epoch.',
    numeric: false,
    text: () => '',
    sortKey: (run) => run.epochsDone,
  },
  figure(
    { id: 'speed', label: 'Rows/s', widthPx: 64, help: 'Rows trained on per second.' },
    (run) => run.rowsPerSecond,
    formatCount,
  ),
  figure(
    { id: 'duration', label: 'Time', widthPx: 78, help: 'Training and evaluation, without pauses.' },
    (run) => run.durationMs || null,
    formatDuration,
  ),
  figure(
    { id: 'created', label: 'Started', widthPx: 104 },
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
