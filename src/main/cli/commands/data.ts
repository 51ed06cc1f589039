/** `inspect` and `compare-data`: describe data files without storing anything. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { ArticlePreview } from '#shared/contract/datasets.ts';
import { columnsText, type FileDescription } from '#shared/domain/datasets/mapping.ts';
import type { Comparison, Passport } from '#shared/domain/datasets/passport.ts';
import { namedInputs, taskOf, taskText } from '#shared/domain/datasets/task.ts';
import { compareDatasets } from '../../datasets/measures/compare.ts';
import { openDataset } from '../../datasets/dataset.ts';
import { previewArticles } from '../../datasets/import/article-preview.ts';
import { lookAtFiles, type ReadFile } from '../../datasets/import/look-at-files.ts';
import type { ReadProgress } from '../../datasets/import/worker-import.ts';
import { existingData } from '../../formats/shards.ts';
import { defaultEntries } from '../../nextvec.ts';
import { WorkerPool } from '../../processes/worker-pool.ts';
import { addChunkFlags, chunkOptions, type ChunkFlags } from '../flags/chunk-flags.ts';
import type { CommandContext } from '../context.ts';
import { textFigures, warningText } from '../handles.ts';
import { interruptible } from '../interruption.ts';
import { formatCosine, printProgress, type Output } from '../output.ts';
import { lineOf } from '../texts.ts';

export function addDataCommands(program: Command, context: CommandContext): void {
  addChunkFlags(program.command('inspect <F>').description('the passport of a data file; nothing is stored'))
    .option('--columns', 'only its columns: type, shape, first values, and which an import would take')
    .action((file: string, flags: InspectFlags) => context.run((out) => inspect(file, flags, out)));
  program
    .command('compare-data <A> <B>')
    .description('whether two files are of one vector space: same, shifted or different, with the figures')
    .action((a: string, b: string) => context.run((out) => compareData(a, b, out)));
}

async function compareData(fileA: string, fileB: string, out: Output): Promise<void> {
  const files = [existingData(fileA), existingData(fileB)];
  const inputs = files.map((path) => ({ ...AS_IT_IS, path }));
  const comparison = await withReaders(({ workers, signal }) =>
    lookAtFiles({ workers, inputs, signal, onProgress: showProgress(out) }, ([a, b]) => compareStored(a, b, signal)),
  );
  out.result(comparison, () =>
    printComparison(
      files.map((file) => basename(file)),
      comparison,
      out,
    ),
  );
}

async function compareStored(fileA: ReadFile, fileB: ReadFile, signal: AbortSignal): Promise<Comparison> {
  using a = openDataset(fileA.folder);
  using b = openDataset(fileB.folder);
  return await compareDatasets(a, b, signal);
}

export function printComparison([a, b]: readonly string[], comparison: Comparison, out: Output): void {
  out.line(`${comparison.verdict.toUpperCase()}: ${a} and ${b}`);
  for (const reason of comparison.reasons) out.line(`  ${reason}`);
  out.line();
  out.table(comparison.rows, [
    { title: '', value: ({ field }) => field },
    { title: a, value: (row) => row.a },
    { title: b, value: (row) => row.b },
  ]);
}

interface InspectFlags extends ChunkFlags {
  readonly columns?: boolean;
}

async function inspect(file: string, flags: InspectFlags, out: Output): Promise<void> {
  const path = existingData(file);
  if (flags.columns) {
    const description = await withReaders(({ workers, signal }) =>
      workers.read(path, (client) => client.describe({ path }, { signal }), signal),
    );
    return out.result(description, () => printColumns(description, out));
  }
  const inputs = [{ ...AS_IT_IS, ...chunkOptions(flags), path }];
  const { passport, articles } = await withReaders(({ workers, signal }) =>
    lookAtFiles({ workers, inputs, signal, onProgress: showProgress(out) }, ([read]) => ({
      passport: read.passport,
      articles: flags.articles === undefined ? null : previewArticles(read.folder),
    })),
  );
  out.result(articles ? { ...passport, articlePreview: articles } : passport, () => {
    printPassport(file, passport, out);
    if (articles) printArticles(articles, out);
  });
}

const AS_IT_IS = { texts: true, textColumn: null, dtype: null, crossArticles: false } as const;

interface Readers {
  readonly workers: WorkerPool;
  readonly signal: AbortSignal;
}

/** Data workers for one command, which an interruption cancels: a damaged file can keep its reader for ever. */
function withReaders<R>(work: (readers: Readers) => Promise<R>): Promise<R> {
  return interruptible(async (signal) => {
    const workers = new WorkerPool(defaultEntries().dataWorker);
    try {
      return await work({ workers, signal });
    } finally {
      await workers.close();
    }
  });
}

function showProgress(out: Output): (path: string, progress: ReadProgress) => void {
  return (path, { phase, fraction }) => printProgress({ phase: `${basename(path)}: ${phase}`, fraction }, out);
}

/** What the rule for articles gives. */
function printArticles({ shortest, median, longest, first }: ArticlePreview, out: Output): void {
  out.line(`Articles of ${shortest} to ${longest} chunks, median ${median}; the first:`);
  out.table(first, [
    { title: 'article', value: ({ article }) => article },
    { title: 'chunks', value: ({ length }) => length },
    { title: 'first text', value: ({ text }) => lineOf(text) },
  ]);
}

function printColumns({ columns, guess, kind }: FileDescription, out: Output): void {
  const roleOf = new Map<unknown, string>();
  if (kind === 'chunks') for (const [role, name] of Object.entries(guess)) roleOf.set(name, role);
  out.table(columns, [
    { title: 'column', value: ({ name }) => name },
    { title: 'taken as', value: ({ name }) => roleOf.get(name) ?? '' },
    { title: 'type', value: ({ type }) => type },
    { title: 'shape', value: ({ rows, rowShape }) => [rows ?? '?', ...rowShape].join(' × ') },
    { title: 'first values', value: ({ first }) => lineOf(first.join('; ')) },
  ]);
}

function range(values: readonly [number, number] | null): string {
  return values === null ? 'not in the file' : `${values[0]} to ${values[1]}`;
}

function printPassport(file: string, passport: Passport, out: Output): void {
  const { norm, value, coherence } = passport;
  const rows: readonly (readonly [string, string])[] = [
    ['file', file],
    ['kind', passport.kind],
    ['rows', String(passport.rows)],
    ['windows', `${passport.windows} (T = ${passport.T}, D = ${passport.D})`],
    ['task', taskText(taskOf(passport))],
    ['distinct vectors', String(passport.vectors)],
    ['articles', `${passport.articles ?? 'not in the file'} (${range(passport.articleRange)})`],
    [
      'norm',
      `${formatCosine(norm.mean)} ± ${formatCosine(norm.std)}, ${formatCosine(norm.min)} to ${formatCosine(norm.max)}`,
    ],
    ['values', `mean ${value.mean?.toPrecision(3) ?? '–'}, std ${value.std?.toFixed(6) ?? '–'}`],
    ['zero, non-unit rows', `${passport.zeroRows}, ${passport.nonUnitRows}`],
    ['duplicates', String(passport.duplicates)],
    [
      'coherence',
      `${formatCosine(coherence.mean)} (p10 ${formatCosine(coherence.p10)}, p50 ${formatCosine(coherence.p50)}, p90 ${formatCosine(coherence.p90)})`,
    ],
    ['position to target', namedInputs(passport.positionToTarget.map(formatCosine), taskOf(passport)).join('  ')],
    ['crossings', passport.crossings === null ? 'not in the file' : String(passport.crossings)],
    ['columns', passport.columns ? columnsText(passport.columns) : 'those of windows'],
    ['texts', passport.texts ? textFigures(passport.texts) : 'none'],
    ['sha256', passport.sha256],
    ['content', passport.contentSha256 ?? 'not measured'],
  ];
  out.table(rows, [
    { title: 'passport', value: ([name]) => name },
    { title: '', value: ([, text]) => text },
  ]);
  for (const warning of passport.warnings) out.line(warningText(warning));
}
