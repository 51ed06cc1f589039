/** The evidence of a report: loss terms, baselines, sample predictions, and what differs between two runs. */
import { historyName, type Task } from '#shared/domain/datasets/task.ts';
import { formatGate } from '#shared/domain/recipe/command-line.ts';
import type { RunComparison } from '#shared/domain/evaluation/comparison.ts';
import {
  CEILING_LABELS,
  CEILING_NOTE,
  CEILINGS,
  cosineInterval,
  intervalSource,
  type Evaluation,
} from '#shared/domain/evaluation/evaluation.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import { signedInterval, withInterval } from '#shared/domain/evaluation/interval.ts';
import { count, figure, percent, plural } from '#shared/domain/figures.ts';
import { shortText } from '#shared/domain/short-text.ts';
import { GateSchema } from '#shared/domain/recipe/recipe.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import { TERMS, TERM_LABELS, termLabel } from '#shared/domain/models/terms.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { bullets, chart, paragraph, table, type Block, type Section } from './document.ts';
import type { ReportInput, ReportRun } from './input.ts';

export function evidence({ subject, baseline, texts }: ReportInput): Section {
  const blocks: Block[] = isTrainedByTerms(subject) ? [termTable(subject)] : [];
  for (const evaluation of subject.evaluations) {
    blocks.push(
      baselineTable(evaluation),
      ...ceilingTable(evaluation),
      sampleTable(
        evaluation,
        baseline?.evaluations.find(
          (e) => e.data.name === evaluation.data.name && e.data.part === evaluation.data.part,
        ) ?? null,
      ),
      ...textTable(evaluation, texts.get(evaluation) ?? []),
    );
  }
  if (subject.gates.length > 0) blocks.push(bullets(subject.gates.map((gate) => gate.message)));
  if (subject.evaluations.length === 0)
    blocks.push(
      paragraph(
        'No evaluation of this run is stored; sample predictions and baselines beyond the training curve were not measured. Run `nextvec evaluate` first for those.',
      ),
    );
  return { title: 'Evidence', blocks };
}

/** The λ and the loss terms say nothing of a fitted model. */
function isTrainedByTerms({ run }: ReportRun): boolean {
  return modelRow(run.recipe.modelType).training === 'gradient';
}

function termTable({ run, epochs }: ReportRun): Block {
  const last = epochs[epochs.length - 1];
  const names = new Set([...TERMS, ...Object.keys(last?.terms ?? {})]);
  const rows = Array.from(names, (term) => {
    const t = last?.terms[term];
    return [
      termLabel(term),
      String(run.recipe.lambda[term] ?? 0),
      figure(t?.value ?? null),
      figure(t?.weighted ?? null),
      percent(t?.share ?? null, 2),
      percent(t?.gradShare ?? null, 2),
    ];
  });
  return table(
    `Loss terms of run #${run.number}, epoch ${last?.epoch ?? 0}`,
    ['Term', '#λ', '#Value', '#λ · value', '#Share of total', '#Share of gradient'],
    rows,
  );
}

/** Label, cosine and lift of each baseline, with their intervals. */
export function baselineRows(e: Evaluation): string[][] {
  return BASELINES.map((name) => [
    BASELINE_LABELS[name],
    withInterval(e.baselines[name], e.intervals?.baselines[name]),
    signedInterval(e.lift[name], e.intervals?.lift[name]),
  ]);
}

function baselineTable(e: Evaluation): Block {
  const rows = baselineRows(e);
  const { mean, std, p5, p50, p95 } = e.cosine;
  return table(
    `${e.data.name}, ${e.data.part}, ${plural(e.rows, 'window')}: model ${withInterval(mean, cosineInterval(e))} (std ${figure(std, 3)}, p5 ${figure(p5, 3)}, median ${figure(p50, 3)}, p95 ${figure(p95, 3)}), MSE ${figure(e.mse)}${e.intervals ? `; ${intervalSource(e)}` : ''}`,
    ['Baseline', '#Cosine', '#Lift of the model'],
    rows,
  );
}

/** Empty where no ceiling was measured. */
function ceilingTable({ ceiling, data }: Evaluation): Block[] {
  if (!ceiling) return [];
  const rows = CEILINGS.map((name) => [
    CEILING_LABELS[name],
    withInterval(ceiling[name].cosine, ceiling[name].interval),
    signedInterval(ceiling[name].lift, ceiling[name].liftInterval),
  ]);
  const caption = `${data.name}, ${data.part}, ${plural(ceiling.windows, 'window')}. ${CEILING_NOTE}`;
  return [table(caption, ['Ceiling', '#Cosine', '#Lift of the model'], rows)];
}

function sampleTable(e: Evaluation, other: Evaluation | null): Block {
  const theirs = new Map(other?.samples.map((s) => [s.window, s.cosine]));
  const beside = theirs.size > 0;
  const attends = e.samples.some((s) => s.attention);
  return table(
    'Sample predictions, from the hardest to the easiest window by the mean of its context',
    [
      '#Window',
      '#Article',
      '#Cosine',
      ...(beside ? ['#Baseline run'] : []),
      '#Mean of context',
      '#Nearest context position',
      '#|prediction|',
      ...(attends ? ['Attention'] : []),
    ],
    e.samples.map((s) => [
      count(s.window),
      s.article === null ? '' : String(s.article),
      figure(s.cosine, 3),
      ...(beside ? [figure(theirs.get(s.window), 3)] : []),
      figure(s.contextMeanCosine, 3),
      nearest(s.contextCosines, e.task),
      figure(s.predictionNorm, 2),
      ...(attends ? [s.attention?.map((w) => w.toFixed(2)).join(' ') ?? ''] : []),
    ]),
  );
}

/** Longest text that is quoted, in UTF-16 units. */
const MOST_QUOTED = 400;

/** The samples as texts; empty where none is known. */
function textTable(e: Evaluation, texts: readonly WindowTexts[]): Block[] {
  const quoted = (text: string | null | undefined): string => shortText(text ?? '', MOST_QUOTED);
  const rows = texts.map(({ context, target }, i) => [
    count(e.samples[i].window),
    figure(e.samples[i].cosine, 3),
    quoted(context.at(-1)),
    quoted(target),
  ]);
  if (rows.every(([, , last, target]) => last === '' && target === '')) return [];
  return [table('Texts of the sample windows', ['#Window', '#Cosine', 'Last of the context', 'Target'], rows)];
}

function nearest(cosines: readonly number[], task: Task | null): string {
  const at = cosines.indexOf(Math.max(...cosines));
  if (at < 0) return '';
  return `${historyName(at, task) ?? at - cosines.length + 1} (${figure(cosines[at], 3)})`;
}

export function differences({ comparison, baseline, subject }: ReportInput): Section {
  if (!comparison || !baseline) return { title: 'What differs', blocks: [paragraph('No baseline run was given.')] };
  const labels = ['Field', `#${baseline.run.number}`, `#${subject.run.number}`].map((l) => l.replace(/^#/, 'Run #'));
  const same = comparison.isPartial ? 'what is known is the same' : 'identical';
  const part = (name: string, diff: RunComparison['recipeDiff']): Block =>
    diff.length === 0
      ? paragraph(`${name}: ${same}.`)
      : table(
          name,
          labels,
          diff.map((row) => [row.label, ...row.values.map(showValue)]),
        );
  return {
    title: 'What differs',
    blocks: [
      part('Recipe', comparison.recipeDiff),
      part('Data', comparison.dataDiff),
      part('Code and engine', comparison.codeDiff),
    ],
  };
}

/** Share of loss and gradient of each term of the runs trained by them, as bars; null where no epoch was finished. */
export function balanceChart(runs: readonly ReportRun[]): Block | null {
  const bars = runs.filter(isTrainedByTerms).flatMap(termBars);
  if (bars.length === 0) return null;
  return chart(
    { kind: 'shares', title: 'Who steers the training: share of the loss and of the gradient', bars },
    'Last epoch. The gradient share is what moves the weights; the share of the total is what the loss curve shows.',
  );
}

function termBars({ run, epochs }: ReportRun): { label: string; parts: { label: string; share: number }[] }[] {
  const terms = epochs[epochs.length - 1]?.terms;
  if (!terms) return [];
  const active = TERMS.filter((term) => run.recipe.lambda[term] > 0);
  const bar = (label: string, field: 'share' | 'gradShare') => ({
    label: `#${run.number} ${label}`,
    parts: active.map((term) => ({ label: TERM_LABELS[term], share: terms[term][field] ?? 0 })),
  });
  return [bar('share of total', 'share'), bar('share of gradient', 'gradShare')];
}

/** A recipe value or fact as a word. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  const gates = GateSchema.array().safeParse(value);
  if (gates.success) return gates.data.map(formatGate).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
