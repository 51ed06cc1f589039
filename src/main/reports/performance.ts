/** The performance section of a report: figures side by side and the curves with the baselines as lines. */
import { changeText, metricText } from '#shared/domain/evaluation/comparison-text.ts';
import { RUN_FIGURES, type RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { figure } from '#shared/domain/figures.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { turningPoint } from './correction.ts';
import { chart, table, type Block, type Section } from './document.ts';
import type { ReportInput, ReportRun } from './input.ts';

export function performance(input: ReportInput): Section {
  const { subject, baseline, comparison } = input;
  const runs = baseline ? [baseline, subject] : [subject];
  const blocks: Block[] = [
    table(
      'Figures at the best epoch',
      ['Figure', ...runs.map((r) => `#Run #${r.run.number}`), ...(comparison ? ['#Change'] : [])],
      RUN_FIGURES.map(([metric, label]) => [
        label,
        ...runs.map((r) => metricText(metric, r.run.figures[metric])),
        ...(comparison ? [changeOf(comparison, metric)] : []),
      ]),
    ),
  ];
  // An imported run has no epochs of its own.
  const trained = runs.filter((r) => r.epochs.length > 0);
  if (trained.length > 0) {
    blocks.push(
      chart(
        {
          kind: 'lines',
          title: 'Validation cosine by epoch',
          yLabel: 'cosine',
          series: trained.map((r) => ({
            label: `#${r.run.number} ${r.run.name}`.slice(0, 24),
            values: r.epochs.map((e) => e.valCosine),
          })),
          references: referencesOf(trained[trained.length - 1]),
        },
        curveCaption(trained[trained.length - 1]),
      ),
    );
  }
  const ood = trained.some((r) => r.epochs.some((e) => e.oodCosine !== null));
  if (ood) {
    blocks.push(
      chart(
        {
          kind: 'lines',
          title: 'OOD cosine by epoch',
          yLabel: 'cosine',
          series: trained.map((r) => ({
            label: `#${r.run.number} ${r.run.name}`.slice(0, 24),
            values: r.epochs.map((e) => e.oodCosine),
          })),
          references: oodReferences(trained[trained.length - 1]),
        },
        'Dashed lines are the simple baselines on the same OOD rows.',
      ),
    );
  }
  return { title: 'Performance', blocks };
}

function changeOf(comparison: RunComparison, metric: string): string {
  const row = comparison.metrics.find((m) => m.metric === metric);
  return row ? changeText(row, 1) : '';
}

function referencesOf({ epochs }: ReportRun): { label: string; value: number }[] {
  return namedBaselines(epochs[epochs.length - 1]?.baselines ?? {}, 'valCosine');
}

function oodReferences({ epochs }: ReportRun): { label: string; value: number }[] {
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
