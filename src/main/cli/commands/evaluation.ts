/** `evaluate`, `cross-test`, `compare`: evaluation and comparison of runs. */
import type { Command } from 'commander';
import { EVALUATION_PARTS, type EvaluationPart, type MatrixCell } from '#shared/contract/evaluation.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import {
  CEILING_LABELS,
  CEILING_NOTE,
  CEILINGS,
  cosineInterval,
  intervalSource,
  namedOffsets,
  type Ceiling,
  type Evaluation,
  type Sample,
} from '#shared/domain/evaluation/evaluation.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import { signedInterval, withInterval } from '#shared/domain/evaluation/interval.ts';
import { changeText, metricText } from '#shared/domain/evaluation/comparison-text.ts';
import type { RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { figure, percent, plural, signed } from '#shared/domain/figures.ts';
import type { CommandContext } from '../context.ts';
import { findData, findRun } from '../handles.ts';
import { printProgress, type Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';
import { lineOf } from '../texts.ts';

export const PART_OPTION = [
  '--part <P>',
  `of the run's own training set: ${EVALUATION_PARTS.join('|')} [validation]`,
] as const;

export function addEvaluationCommands(program: Command, context: CommandContext): void {
  program
    .command('evaluate <RUN>')
    .description('evaluate the best checkpoint of a run: parity, baselines, diagnostics, verdicts')
    .requiredOption('--data <F>', 'a file, an imported data set, or "sample"')
    .option(...PART_OPTION)
    .option('--texts', 'show the sample windows with their texts')
    .option('--ceiling', 'also measure what can be had on the set, from its own targets')
    .action((handle: string, flags: EvaluateFlags) => context.run((out) => evaluate(context, handle, flags, out)));
  program
    .command('cross-test <RUN...>')
    .description('every run on every data set, as a matrix')
    .requiredOption('--data <F...>', 'files, imported data sets, or "sample"')
    .action((handles: string[], flags: { data: string[] }) =>
      context.run((out) => crossTest(context, handles, flags.data, out)),
    );
  program
    .command('compare <RUN> <RUNS...>')
    .description('compare runs with the first: figures, recipe, data, code, and what explains the difference')
    .action((first: string, others: string[]) => context.run((out) => compare(context, [first, ...others], out)));
}

export function readPart(word: string | undefined): EvaluationPart | undefined {
  if (word === undefined) return undefined;
  const part = EVALUATION_PARTS.find((name) => name === word);
  if (part) return part;
  throw new NextvecError('BAD_INPUT', `--part is one of ${EVALUATION_PARTS.join(', ')}, not "${word}".`);
}

interface EvaluateFlags {
  readonly data: string;
  readonly part?: string;
  readonly ceiling?: boolean;
  readonly texts?: boolean;
}

function evaluate(context: CommandContext, handle: string, flags: EvaluateFlags, out: Output): Promise<void> {
  const part = readPart(flags.part);
  const { ceiling } = flags;
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const run = await findRun(client, handle);
    const data = await findData(client, flags.data, 'ood', out);
    const input = { runId: run.id, datasetId: data.id, part, ceiling };
    for await (const event of await client.evaluation.evaluate(input)) {
      if (event.type === 'progress') {
        printProgress(event, out);
        continue;
      }
      const { evaluation } = event;
      const samples = flags.texts ? await samplesWithTexts(client, data.id, evaluation.samples) : null;
      out.result(samples ? { ...evaluation, samples } : evaluation, () => {
        printEvaluation(evaluation, out);
        if (samples) printSamples(samples, out);
      });
    }
  });
}

type SampleWithTexts = Sample & { readonly texts: WindowTexts };

async function samplesWithTexts(
  client: NextvecClient,
  id: string,
  samples: readonly Sample[],
): Promise<SampleWithTexts[]> {
  const texts = await client.datasets.windowTexts({ id, windows: samples.map(({ window }) => window) });
  return samples.map((sample, i) => ({ ...sample, texts: texts[i] }));
}

function printSamples(samples: readonly SampleWithTexts[], out: Output): void {
  out.line();
  out.table(samples, [
    { title: 'window', value: ({ window }) => String(window), align: 'right' },
    { title: 'cosine', value: ({ cosine }) => figure(cosine, 3), align: 'right' },
    { title: 'mean of context', value: ({ contextMeanCosine }) => figure(contextMeanCosine, 3), align: 'right' },
    { title: 'target', value: ({ texts }) => lineOf(texts.target) },
  ]);
}

function printEvaluation(e: Evaluation, out: Output): void {
  out.line(
    `Run #${e.runNumber} ${e.runName}, ${e.checkpoint.kind} checkpoint, on ${e.data.name} (${e.data.part}, ${e.rows} windows), ${e.engine}`,
  );
  out.line(
    `Parity: golden |Δ| ${figure(e.parity.goldenMaxAbs)}, validation Δ ${signed(e.parity.valCosineDelta)}: reproduced`,
  );
  const { mean, std, p5, p50, p95 } = e.cosine;
  out.line(
    `Cosine ${withInterval(mean, cosineInterval(e))} (std ${figure(std, 3)}, p5 ${figure(p5, 3)}, median ${figure(p50, 3)}, p95 ${figure(p95, 3)}), MSE ${figure(e.mse)}`,
  );
  out.line();
  out.table(BASELINES, [
    { title: 'baseline', value: (name) => BASELINE_LABELS[name] },
    { title: 'cosine', value: (name) => withInterval(e.baselines[name], e.intervals?.baselines[name]), align: 'right' },
    { title: 'lift', value: (name) => signedInterval(e.lift[name], e.intervals?.lift[name]), align: 'right' },
  ]);
  if (e.intervals) out.line(`In brackets: ${intervalSource(e)}.`);
  if (e.ceiling) printCeiling(e.ceiling, out);
  out.line();
  out.line(
    `Offsets: ${namedOffsets(e)
      .map(([key, value]) => `${key} ${figure(value, 3)}`)
      .join('  ')}`,
  );
  out.line(
    `Diversity ${figure(e.diversity.predictions, 3)} (targets ${figure(e.diversity.targets, 3)}), effective rank ${figure(e.effectiveRank.predictions, 1)} (targets ${figure(e.effectiveRank.targets, 1)}), spread ratio ${figure(e.spreadRatio, 3)}, raw norm ${figure(e.rawNorm, 3)}, margin ${signed(e.margin)}, beyond the context ${figure(e.beyondContext)}`,
  );
  out.line(
    `Within the article: R@1 ${percent(e.withinArticle.r1, 1)}, R@5 ${percent(e.withinArticle.r5, 1)}, MRR ${figure(e.withinArticle.mrr, 3)}`,
  );
  out.line(
    `Order: kept ${figure(e.orderAblations.base)}, shuffled ${figure(e.orderAblations.shuffled)}, reversed ${figure(e.orderAblations.reversed)}`,
  );
  out.line();
  if (e.verdicts.length === 0) out.line('No verdict: no rule found a fault.');
  for (const { severity, code, message } of e.verdicts) out.line(`${severity} ${code}: ${message}`);
}

function printCeiling(ceiling: Ceiling, out: Output): void {
  out.line();
  out.table(CEILINGS, [
    { title: `ceiling, ${plural(ceiling.windows, 'window')}`, value: (name) => CEILING_LABELS[name] },
    { title: 'cosine', value: (name) => withInterval(ceiling[name].cosine, ceiling[name].interval), align: 'right' },
    { title: 'lift', value: (name) => signedInterval(ceiling[name].lift, ceiling[name].liftInterval), align: 'right' },
  ]);
  out.line(CEILING_NOTE);
}

async function runsOf(session: Session, handles: readonly string[]): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (const handle of handles) runs.push(await findRun(session.client, handle));
  return runs;
}

function crossTest(
  context: CommandContext,
  handles: readonly string[],
  files: readonly string[],
  out: Output,
): Promise<void> {
  return withSession(context.options(), out, 'owner', async (session) => {
    const runs = await runsOf(session, handles);
    const sets: Dataset[] = [];
    for (const file of files) sets.push(await findData(session.client, file, 'ood', out));
    const cells: MatrixCell[] = [];
    const input = { runIds: runs.map(({ id }) => id), datasetIds: sets.map(({ id }) => id) };
    for await (const event of await session.client.evaluation.crossTest(input)) {
      if (event.type === 'cell') cells.push(event.cell);
      else out.progress(event.phase);
    }
    const matrix = {
      runs: runs.map(({ id, number, name }) => ({ id, number, name })),
      datasets: sets.map(({ id, name }) => ({ id, name })),
      cells,
    };
    out.result(matrix, () => printMatrix(runs, sets, cells, out));
  });
}

function printMatrix(
  runs: readonly RunSummary[],
  sets: readonly Dataset[],
  cells: readonly MatrixCell[],
  out: Output,
): void {
  const cellOf = (run: RunSummary, set: Dataset): string => {
    const cell = cells.find((c) => c.runId === run.id && c.datasetId === set.id);
    if (!cell) return '';
    return cell.error === ''
      ? `${withInterval(cell.cosine, cell.cosineInterval)} (${signedInterval(cell.lift, cell.liftInterval)})`
      : cell.error.split(':')[0];
  };
  out.table(runs, [
    { title: 'run', value: (run) => `#${run.number} ${run.name}` },
    ...sets.map((set) => ({ title: set.name, value: (run: RunSummary) => cellOf(run, set), align: 'right' as const })),
  ]);
  out.line(
    'Cosine, and in brackets the lift over the best baseline of the same rows; in square brackets 95 % intervals.',
  );
}

function compare(context: CommandContext, handles: readonly string[], out: Output): Promise<void> {
  return withSession(context.options(), out, 'any', async (session) => {
    const runs = await runsOf(session, handles);
    const comparison = await session.client.evaluation.compareRuns({ runIds: runs.map(({ id }) => id) });
    out.result(comparison, () => printComparison(comparison, out));
  });
}

function valueWithChange(row: RunComparison['metrics'][number], i: number): string {
  const change = changeText(row, i);
  const value = metricText(row.metric, row.values[i], row.valueIntervals[i]);
  return `${value}${change === '' ? '' : `  ${change}`}`;
}

function printComparison(
  { runs, metrics, recipeDiff, dataDiff, codeDiff, verdicts, isPartial }: RunComparison,
  out: Output,
): void {
  out.table(metrics, [
    { title: 'figure', value: ({ label }) => label },
    ...runs.map((run, i) => ({
      title: `#${run.number} ${run.name}`,
      value: (row: RunComparison['metrics'][number]) => valueWithChange(row, i),
      align: 'right' as const,
    })),
  ]);
  const parts = [
    ['recipe', recipeDiff],
    ['data', dataDiff],
    ['code and engine', codeDiff],
  ] as const;
  const same = isPartial ? 'what is known is the same' : 'identical';
  for (const [name, diff] of parts) {
    out.line();
    if (diff.length === 0) out.line(`${name}: ${same}`);
    else {
      out.table(diff, [
        { title: name, value: ({ label }) => label },
        ...runs.map((run, i) => ({
          title: `#${run.number}`,
          value: (row: (typeof diff)[number]) => word(row.values[i]),
        })),
      ]);
    }
  }
  out.line();
  for (const { message } of verdicts) out.line(message);
}

function word(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
