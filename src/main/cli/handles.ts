/** Resolves the arguments that name runs and data sets: ids, numbers, names, files. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Dataset, ImportEvent } from '#shared/contract/datasets.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { taskOf, taskText } from '#shared/domain/datasets/task.ts';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import type { DataWarning, TextFigures } from '#shared/domain/datasets/passport.ts';
import { SAMPLE_WORD } from '#shared/domain/names.ts';
import { nameList } from '#shared/domain/short-text.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { unknownDataset, unknownRun } from '#shared/domain/not-found.ts';
import { isPattern } from '../formats/shards.ts';
import type { TaskOptions } from './flags/chunk-flags.ts';
import { interruptible } from './interruption.ts';
import { formatBytes, printProgress, type Output } from './output.ts';

/** Fewest characters that are taken as the start of an id. */
const LEAST_ID_START = 4;

/** A run by id, number ("12" or "#12"), name or start of an id; CONFLICT where several have the name or the start. */
export async function findRun(client: NextvecClient, handle: string): Promise<RunSummary> {
  const runs = await client.runs.list();
  const number = /^#?(\d+)$/.exec(handle)?.[1];
  const found =
    runs.find((run) => run.id === handle) ??
    runs.find((run) => number !== undefined && run.number === Number(number)) ??
    onlyOne(runs, (run) => run.name === handle, `runs are named "${handle}"`) ??
    byIdStart(runs, handle, 'runs');
  if (found) return found;
  throw unknownRun(handle);
}

interface Named {
  readonly id: string;
  readonly number?: number;
}

/** The one match; null: none. Throws CONFLICT with the ids of several. */
function onlyOne<N extends Named>(all: readonly N[], fits: (one: N) => boolean, what: string): N | null {
  const found = all.filter(fits);
  if (found.length <= 1) return found[0] ?? null;
  const ids = found.map(({ id, number }) => (number === undefined ? id : `#${number} (${id})`));
  throw new NextvecError('CONFLICT', `${found.length} ${what}: ${nameList(ids)}.`, {
    remedy: 'Write an id, or rename all but one.',
  });
}

/** The one whose id begins with `start`; null: none, or `start` is too short. Throws CONFLICT. */
function byIdStart<N extends Named>(all: readonly N[], start: string, what: string): N | null {
  if (start.length < LEAST_ID_START) return null;
  return onlyOne(all, ({ id }) => id.startsWith(start), `${what} have ids that begin "${start}"`);
}

/** An imported data set by id or name. CONFLICT where several have the name. */
function exactDataset(known: readonly Dataset[], handle: string): Dataset | null {
  return (
    known.find(({ id }) => id === handle) ??
    onlyOne(known, ({ name }) => name === handle, `data sets are named "${handle}"`)
  );
}

/** By name regardless of upper and lower case, or by the start of an id. CONFLICT where several fit. */
function similarDataset(known: readonly Dataset[], handle: string): Dataset | null {
  const lower = handle.toLowerCase();
  return (
    onlyOne(
      known,
      ({ name }) => name.toLowerCase() === lower,
      `data sets are named "${handle}", upper and lower case aside`,
    ) ?? byIdStart(known, handle, 'data sets')
  );
}

/** An imported data set by id, name (upper or lower case) or start of an id. Throws NOT_FOUND, CONFLICT. */
export async function storedDataset(client: NextvecClient, handle: string): Promise<Dataset> {
  const known = await client.datasets.list();
  const dataset = exactDataset(known, handle) ?? similarDataset(known, handle);
  if (dataset === null) throw unknownDataset(handle);
  return dataset;
}

/** As `storedDataset`; "sample" is the bundled training set, imported where it is not yet. */
export async function readableDataset(client: NextvecClient, handle: string): Promise<Dataset> {
  return handle === SAMPLE_WORD ? (await client.datasets.importSample()).train : storedDataset(client, handle);
}

interface DatasetOptions {
  /** Which of the two sets of the sample. */
  readonly role: 'train' | 'ood';
  /** What the windows built from a file ask of a model; a stored set must have it. */
  readonly task?: TaskOptions;
}

/**
 * "sample", a data set by id or name, a file, which is imported unless it is there already, or what else `storedDataset` takes; in
 * this order. A file that has the name of a data set is meant where it is written with its folder ("./docs").
 */
export async function findDataset(
  client: NextvecClient,
  handle: string,
  out: Output,
  signal: AbortSignal,
  { role, task = ANY_TASK }: DatasetOptions,
): Promise<Dataset> {
  const taken = (dataset: Dataset): Dataset => withWarnings(ofTask(dataset, task), out);
  if (handle === SAMPLE_WORD) return taken((await client.datasets.importSample())[role]);
  const known = await client.datasets.list();
  const exact = exactDataset(known, handle);
  if (exact) return taken(exact);
  if (existsSync(handle) || isPattern(handle)) return importFile(client, resolve(handle), out, signal, task);
  const similar = similarDataset(known, handle);
  if (similar) return taken(similar);
  throw new NextvecError('FILE_NOT_FOUND', `There is neither a file nor a data set "${handle}".`, {
    remedy: `Give the path of a file of data (docs/DATA.md), the name of an imported data set, or "${SAMPLE_WORD}".`,
  });
}

/** The same for a command with nothing to save until it has its data: an interruption cancels an import. */
export function findData(client: NextvecClient, handle: string, role: 'train' | 'ood', out: Output): Promise<Dataset> {
  return interruptible((signal) => findDataset(client, handle, out, signal, { role }));
}

const ANY_TASK: TaskOptions = { contextLength: null, history: null };

/** The same set. Throws BAD_INPUT where the task asked for is another. */
function ofTask(dataset: Dataset, { contextLength, history }: TaskOptions): Dataset {
  const own = taskOf(dataset.passport);
  if ((contextLength ?? own.context) === own.context && (history ?? own.history) === own.history) return dataset;
  throw new NextvecError(
    'BAD_INPUT',
    `${dataset.name} is imported already, with windows of ${taskText(own)}; --context-length and --history are for a file.`,
    { remedy: 'Give the file of its chunks in its place; it is imported with these windows as another data set.' },
  );
}

/** "9922 texts (0.9 MB)". */
export function textFigures({ texts, storedBytes }: TextFigures): string {
  return `${texts} texts (${formatBytes(storedBytes)})`;
}

export function warningText({ code, message, count }: DataWarning): string {
  return `warning ${code} (${count}): ${message}`;
}

/** The same set, after its warnings have been written to stderr. */
function withWarnings(dataset: Dataset, out: Output): Dataset {
  for (const warning of dataset.passport.warnings) out.progress(`${dataset.name}: ${warningText(warning)}`, true);
  return dataset;
}

export interface SetWarning extends DataWarning {
  readonly dataset: string;
}

/** Warnings of all passports, for --json. */
export function setWarnings(sets: readonly Dataset[]): SetWarning[] {
  return sets.flatMap(({ name, passport }) => passport.warnings.map((warning) => ({ dataset: name, ...warning })));
}

/** Of the data that a recipe names; sets that were deleted have none. */
export async function recipeWarnings(client: NextvecClient, { dataset, ood }: Recipe): Promise<SetWarning[]> {
  return setWarnings((await client.datasets.list()).filter(({ id }) => id === dataset || id === ood));
}

export interface FileOptions {
  readonly name?: string;
  readonly crossArticles?: boolean;
  readonly contextLength?: number | null;
  readonly history?: number | null;
  readonly stride?: number;
  readonly normalise?: boolean;
  readonly mapping?: Mapping;
  readonly dtype?: 'float16' | null;
  readonly texts?: boolean;
  readonly textColumn?: string | null;
}

/** Imports a data file with progress; returns the stored set where the content is known. Throws CANCELLED. */
export async function importFile(
  client: NextvecClient,
  path: string,
  out: Output,
  signal: AbortSignal,
  options: FileOptions = {},
): Promise<Dataset> {
  const known = options.name === undefined ? 'already imported' : 'already imported, now under this name';
  const events = await client.datasets.import({ path, ...options }, { signal });
  return (await followImport(events, { path, known }, out, signal)).dataset;
}

type ImportDone = Extract<ImportEvent, { type: 'done' }>;

/** Imports the source of a set anew. Throws CANCELLED. */
export async function importAgain(
  client: NextvecClient,
  { id, sourcePath }: Dataset,
  out: Output,
  signal: AbortSignal,
): Promise<ImportDone> {
  const events = await client.datasets.importAgain({ id }, { signal });
  return followImport(events, { path: sourcePath, known: 'the file is as it was, nothing new' }, out, signal);
}

async function followImport(
  events: AsyncIterable<ImportEvent>,
  { path, known }: { readonly path: string; readonly known: string },
  out: Output,
  signal: AbortSignal,
): Promise<ImportDone> {
  for await (const event of events) {
    if (event.type === 'done') {
      const { name, windows, vectors, passport } = event.dataset;
      const texts = passport.texts ? `, ${textFigures(passport.texts)}` : '';
      const state = event.alreadyThere ? known : 'imported';
      out.progress(`${name}: ${state}, ${windows} windows over ${vectors} vectors${texts}`, true);
      withWarnings(event.dataset, out);
      return event;
    }
    printProgress({ phase: `${basename(path)}: ${event.phase}`, fraction: event.fraction }, out);
  }
  throwIfCancelled(signal, `The import of ${path}`);
  throw new NextvecError('INTERNAL', `The import of ${path} ended without a result.`);
}
