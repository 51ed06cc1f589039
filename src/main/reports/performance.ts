/** The performance section of a report: figures side by side and the curves with the baselines as lines. */
import { changeText, metricText } from '#shared/domain/evaluation/comparison-text.ts';
import { figureInterval, figuresOf, type RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { figure } from '#shared/domain/figures.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { turningPoint } from './correction.ts';
import { chart, table, type Block, type Section } from './document.ts';
import type { ReportInput, ReportRun } from './input.ts';

interface Reference {
  label: string;
  value: number;
}

export function performance(input: ReportInput): Section {
  const { subject, baseline } = input;
  const runs = baseline ? [baseline, subject] : [subject];
  // An imported run has no epochs of its own.
  const trained = runs.filter((r) => r.epochs.length > 0);
  return { title: 'Performance', blocks: [figuresTable(input, runs), ...curves(trained)] };
}

function figuresTable({ comparison }: ReportInput, runs: readonly ReportRun[]): Block {
  return table(
    'Figures at the best epoch',
    ['Figure', ...runs.map((r) => `#Run #${r.run.number}`), ...(comparison ? ['#Change'] : [])],
    figuresOf(runs.map(({ run }) => run)).map(([metric, label]) => [
      label,
      ...runs.map((r) => metricText(metric, r.run.figures[metric], figureInterval(r.run, metric))),
      ...(comparison ? [changeOf(comparison, metric)] : []),
    ]),
  );
}

function curves(trained: readonly ReportRun[]): Block[] {
  const last = trained.at(-1);
  if (last === undefined) return [];
  const curve = (title: string, metric: 'valCosine' | 'oodCosine', references: Reference[], caption: string): Block => {
    const series = trained.map(({ run, epochs }) => ({
      label: `#${run.number} ${run.name}`.slice(0, 24),
      values: epochs.map((e) => e[metric]),
    }));
    return chart({ kind: 'lines', title, yLabel: 'cosine', series, references }, caption);
  };
  const blocks = [curve('Validation cosine by epoch', 'valCosine', referencesOf(last), curveCaption(last))];
  if (trained.some((r) => r.epochs.some((e) => e.oodCosine !== null))) {
    const caption = 'Dashed lines are the simple baselines on the same OOD rows.';
    blocks.push(curve('OOD cosine by epoch', 'oodCosine', oodReferences(last), caption));
  }
  return blocks;
}

function changeOf(comparison: RunComparison, metric: string): string {
  const row = comparison.metrics.find((m) => m.metric === metric);
  return row ? changeText(row, 1) : '';
}

function referencesOf({ epochs }: ReportRun): Reference[] {
  return namedBaselines(epochs[epochs.length - 1]?.baselines ?? {}, 'valCosine');
}

function oodReferences({ epochs }: ReportRun): Reference[] {
  return namedBaselines(epochs[epochs.length - 1]?.baselines ?? {}, 'oodCosine');
}

function namedBaselines(baselines: ReportRun['epochs'][number]['baselines'], field: 'valCosine' | 'oodCosine') {
  return BASELINES.flatMap((name) => {
    const value = baselines[name]?.[field] ?? null;
    return value === null || name === 'shuffled' ? [] : [{ label: BASELINE_LABELS[name], value }];
  });
}

function curveCaption({ epochs, run }: ReportRun): string {
  const turn = turningPoint(epochs);
  const state = turn
    ? `Run #${run.number} is best at epoch ${turn.epoch} and has lost ${figure(turn.lost)} by its last.`
    : `Run #${run.number} is best at its last epoch.`;
  return `${state} Dashed lines are the simple baselines on the same validation rows.`;
}
