/** `predict`: predictions of a run's model for contexts of a data set or a file. */
import type { Command } from 'commander';
import {
  MOST_ROWS,
  type ContextSource,
  type Neighbour,
  type PredictedRow,
  type PredictionResult,
} from '#shared/contract/inference.ts';
import type { Place } from '#shared/contract/places.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { figure, percent } from '#shared/domain/figures.ts';
import { parseRows } from '#shared/domain/datasets/row-list.ts';
import { historyName, namedInputs, type Task } from '#shared/domain/datasets/task.ts';
import { checkTarget, writeTarget } from '../../formats/files/output-file.ts';
import { encodeNpy } from '../../formats/npy/write.ts';
import { existingFile } from '../../formats/files/regular-file.ts';
import type { CommandContext } from '../context.ts';
import { exportPredictions } from './written-files.ts';
import { findData, findRun } from '../handles.ts';
import { formatCosine, type Output } from '../output.ts';
import { withSession } from '../session.ts';
import { lineOf, textColumn } from '../texts.ts';

interface PredictFlags {
  readonly data?: string;
  readonly context?: string;
  readonly rows?: string;
  readonly article?: string;
  readonly in?: string;
  readonly neighbours: string;
  readonly out?: string;
  readonly raw?: boolean;
  readonly all?: boolean;
  readonly texts?: boolean;
}

export function addInferenceCommands(program: Command, context: CommandContext): void {
  program
    .command('predict <RUN>')
    .description('predict the next vector of contexts, with nearest neighbours and attention')
    .option('--data <F>', 'contexts: windows of a data set (a file, an imported set, or "sample")')
    .option('--context <F>', 'contexts: a .npy, .npz or .safetensors file of [rows, T, D] or one [T, D]')
    .option('--rows <LIST>', 'windows or rows, e.g. 0,5,10-19; --data: 0 without it, --context: all')
    .option(
      '--article <A>',
      'with --data, instead of --rows: first window of an article, or 12:3 for the third of article 12',
    )
    .option('--in <F>', 'set to look for neighbours in; that of --data without it')
    .option('--neighbours <N>', 'how many neighbours', '10')
    .option('--out <F>', 'file for the predicted unit vectors [rows, D]; prediction.npy without it')
    .option('--raw', 'write them before normalisation')
    .option(
      '--all',
      'with --data: every window, as a Parquet file of window, article, cosine to the target and prediction',
    )
    .option('--texts', 'with --all: also the texts of the last chunk and of the target')
    .action((handle: string, flags: PredictFlags) => context.run((out) => predict(context, handle, flags, out)));
}

/** "12:3" as article 12 and its third window. */
export function parseArticle(text: string): { article: number; index: number } {
  const match = /^(-?\d{1,15})(?::(\d{1,10}))?$/.exec(text.trim());
  const window = Number(match?.[2] ?? 1);
  if (match && window > 0) return { article: Number(match[1]), index: window - 1 };
  throw new NextvecError('BAD_INPUT', `"${text}" names no window of an article.`, {
    remedy: 'Write article 12 as 12, its third window as 12:3.',
  });
}

async function predict(context: CommandContext, handle: string, flags: PredictFlags, out: Output): Promise<void> {
  if (flags.all || flags.texts) return predictAll(context, handle, flags, out);
  if ((flags.data === undefined) === (flags.context === undefined)) {
    throw new NextvecError('BAD_INPUT', 'Name the contexts with either --data or --context.');
  }
  if (flags.article !== undefined && (flags.data === undefined || flags.rows !== undefined)) {
    throw new NextvecError('BAD_INPUT', '--article goes with --data, and instead of --rows.');
  }
  const rows = flags.rows === undefined ? null : parseRows(flags.rows, MOST_ROWS);
  const place = flags.article === undefined ? null : parseArticle(flags.article);
  const neighbours = Number(flags.neighbours);
  const target = await checkTarget(flags.out ?? 'prediction.npy');
  await withSession(context.options(), out, 'any', async ({ client }) => {
    const run = await findRun(client, handle);
    const set = flags.in === undefined ? null : await findData(client, flags.in, 'train', out);
    let source: ContextSource;
    if (flags.context === undefined) {
      const dataset = await findData(client, flags.data ?? '', 'train', out);
      source = place
        ? { kind: 'article', datasetId: dataset.id, ...place }
        : { kind: 'dataset', datasetId: dataset.id, windows: rows ?? [0] };
    } else {
      source = { kind: 'file', path: existingFile(flags.context), rows };
    }
    const result = await client.inference.predict({ runId: run.id, source, neighboursIn: set?.id ?? null, neighbours });
    const { path } = target;
    const data = flags.raw ? result.raw : result.pred;
    await writeTarget(target, encodeNpy({ shape: [result.rows.length, result.D], data }));
    const { raw: _raw, pred: _pred, ...figures } = result;
    out.result({ ...figures, path }, () => printPrediction(result, path, out));
  });
}

function predictAll(context: CommandContext, handle: string, flags: PredictFlags, out: Output): Promise<void> {
  const { all, data, rows, article, context: file, in: set, raw } = flags;
  const others = [rows, article, file, set, raw].some((flag) => flag !== undefined);
  if (all && data !== undefined && !others) return exportPredictions(context, handle, { ...flags, data }, out);
  throw new NextvecError('BAD_INPUT', '--all goes with --data, --out and --texts alone, and --texts with --all.');
}

function printPrediction({ rows, engine, task }: PredictionResult, path: string, out: Output): void {
  for (const row of rows) printRow(row, task, out);
  out.line(`${path}: ${rows.length} vectors, computed on ${engine}`);
}

function printRow(row: PredictedRow, task: Task | null, out: Output): void {
  const { contextMean, lastVector } = row.baselines;
  const target =
    row.targetCosine === null
      ? ''
      : `, cosine to the target ${formatCosine(row.targetCosine)} (mean of context ${formatCosine(contextMean)}, last vector ${formatCosine(lastVector)})`;
  out.line(`row ${row.row}: norm ${row.norm.toFixed(4)}${target}`);
  out.line(`  cosine to the context  ${namedInputs(row.contextCosines.map(formatCosine), task).join('  ')}`);
  if (row.attention)
    out.line(`  attention              ${namedInputs(row.attention.map(formatCosine), task).join('  ')}`);
  if (row.parts) for (const line of partLines(row.parts)) out.line(line);
  if (row.context) for (const line of readingLines(row.context, row.target, task)) out.line(line);
  if (row.neighbours.length > 0) {
    out.table(row.neighbours, [
      { title: 'vector', value: ({ vector }) => vector },
      { title: 'cosine', value: ({ cosine }) => formatCosine(cosine), align: 'right' },
      { title: 'article', value: ({ article }) => article },
      { title: 'chunk', value: ({ chunk }) => chunk },
      { title: '', value: ({ role }) => role ?? '' },
      ...textColumn(
        row.neighbours.map(({ text }) => text),
        ({ text }: Neighbour) => text,
      ),
    ]);
  }
  out.line();
}

/** The texts of the context in reading order, then that of the target. */
function readingLines(context: readonly Place[], target: Place | null, task: Task | null): string[] {
  if (context.every(({ text }) => text === null)) return [];
  // An input of history is a mean of chunks and has no text.
  const lines = context.flatMap(({ text }, t) =>
    historyName(t, task) === null ? [`  ${String(t - context.length + 1).padStart(6)}  ${lineOf(text)}`] : [],
  );
  return [...lines, `  target  ${lineOf(target?.text ?? null)}`];
}

/** The parts of a mixture, the largest share first. */
function partLines(parts: NonNullable<PredictedRow['parts']>): string[] {
  const sorted = parts.toSorted((a, b) => Math.abs(b.share) - Math.abs(a.share));
  return sorted.map(({ name, share, coefficient }, i) => {
    const head = i === 0 ? 'made of' : '';
    return `  ${head.padEnd(22)} ${percent(share).padStart(6)}  ${name} (coefficient ${figure(coefficient, 3)})`;
  });
}
