/** One import as a service call: a data worker writes the folder, this writes the row. Never one without the other. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { ImportEvent, ImportPreview } from '#shared/contract/datasets.ts';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { NO_MAPPING, type Mapping } from '#shared/domain/datasets/mapping.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { nameWithTask, taskOf } from '#shared/domain/datasets/task.ts';
import { SAMPLE_WORD, nameFromFile } from '#shared/domain/names.ts';
import {
  chunkOptions,
  findDataset,
  findDatasetByContent,
  insertDataset,
  renameDataset,
  replacePassport,
  requireDataset,
  type ImportOptions,
} from '../../store/datasets.ts';
import { TEMPORARY } from './import.ts';
import { removeFolder, type Home } from '../../store/home.ts';
import { fromWireError } from '../../wire/errors.ts';
import type { WorkerImportEvent } from '../../processes/worker-contract.ts';
import type { WorkerClient, WorkerPool } from '../../processes/worker-pool.ts';

export interface ImportInput {
  readonly path: string;
  readonly texts: boolean;
  /** null: one with a known name. */
  readonly textColumn: string | null;
  readonly name?: string;
  readonly dtype: 'float32' | 'float16' | null;
  readonly crossArticles: boolean;
  /** Of windows built from chunks; null: the default context, no history. */
  readonly contextLength?: number | null;
  readonly history?: number | null;
  readonly stride?: number;
  readonly normalise?: boolean;
  readonly mapping?: Mapping;
}

export interface ImportContext {
  readonly home: Home;
  readonly workers: WorkerPool;
}

type Imported = Extract<ImportEvent, { type: 'done' }>;

/**
 * Imports in a worker of its own. Leaving the loop or aborting cancels and removes what was written. `options` tell the
 * set from others of the same file; default: those of the input.
 */
export async function* importFile(
  { home, workers }: ImportContext,
  input: ImportInput,
  signal?: AbortSignal,
  options: ImportOptions = optionsOf(input),
): AsyncGenerator<ImportEvent> {
  const id = randomBytes(6).toString('hex');
  const worker = await workers.lease(signal, resolve(input.path));
  let imported: Imported | null;
  try {
    imported = yield* importInto({ home, id, client: worker.client, options }, input, signal);
    worker.giveBack();
  } catch (error) {
    throw fromWireError(error);
  } finally {
    // Also when the reader has left: the worker ends before its half-written files are removed.
    await worker.release();
    if (findDataset(home.db, id) === null) await removeTraces(home.datasetsFolder, id);
  }
  // Only now: after `done` the import has no work left.
  if (imported !== null) yield imported;
}

/** What an import would give, in a worker of its own; nothing stays. Throws CANCELLED once `signal` is aborted. */
export async function previewFile(
  { home, workers }: ImportContext,
  input: ImportInput,
  signal?: AbortSignal,
): Promise<ImportPreview> {
  // A name that the next start removes if the program is killed.
  const name = `preview${TEMPORARY}${randomBytes(6).toString('hex')}`;
  const folder = join(home.datasetsFolder, name);
  try {
    return await readInto({ workers, input, folder, signal }, async (passport, client) => ({
      passport,
      articles: await client.previewArticles({ folder }, { signal }),
    }));
  } finally {
    await removeTraces(home.datasetsFolder, name);
  }
}

export type ReadProgress = Extract<WorkerImportEvent, { type: 'progress' }>;

export interface FileReading {
  readonly workers: WorkerPool;
  readonly input: ImportInput;
  /** Where the stored form of the file is written; the caller removes it, and what lies beside it after an error. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReadProgress) => void;
}

/**
 * Writes the stored form of a file to a folder in a worker of its own, which may then be asked about it. Throws CANCELLED once
 * `signal` is aborted, ARCHIVE_DAMAGED when the worker falls silent.
 */
export async function readInto<R>(
  { workers, input, folder, signal, onProgress }: FileReading,
  look: (passport: Passport, client: WorkerClient) => R | Promise<R>,
): Promise<R> {
  const worker = await workers.lease(signal, resolve(input.path));
  try {
    let passport: Passport | null = null;
    for await (const event of await worker.client.importFile(jobOf(input, folder), { signal })) {
      if (event.type === 'done') ({ passport } = event);
      else onProgress?.(event);
    }
    if (passport === null) throw new NextvecError('INTERNAL', `The reader of ${input.path} ended without a result.`);
    const seen = await look(passport, worker.client);
    worker.giveBack();
    return seen;
  } catch (error) {
    throwIfCancelled(signal, `The reading of ${input.path}`);
    throw fromWireError(error);
  } finally {
    await worker.release();
  }
}

function jobOf(input: ImportInput, folder: string) {
  const { dtype, crossArticles, contextLength = null, history = null, texts, textColumn } = input;
  const { stride = 1, normalise = false, mapping = NO_MAPPING } = input;
  const windows = { crossArticles, contextLength, history, stride, normalise, mapping };
  return { path: resolve(input.path), folder, dtype, ...windows, texts, textColumn };
}

function optionsOf(input: ImportInput): ImportOptions {
  const { dtype, crossArticles } = input;
  return { dtype, crossArticles, ...chunkOptions(input) };
}

interface ImportTarget {
  readonly home: Home;
  readonly id: string;
  readonly client: WorkerClient;
  readonly options: ImportOptions;
}

/** Yields the progress; null when the worker ended without a result. */
async function* importInto(
  { home, id, client, options }: ImportTarget,
  input: ImportInput,
  signal?: AbortSignal,
): AsyncGenerator<ImportEvent, Imported | null> {
  const path = resolve(input.path);
  for await (const event of await client.importFile(jobOf(input, home.datasetFolder(id)), { signal })) {
    if (event.type === 'progress') {
      yield event;
      continue;
    }
    const { passport, storedBytes } = event;
    const existing = findDatasetByContent(home.db, passport.sha256, options);
    if (existing !== null) {
      const folder = home.datasetFolder(existing.id);
      const { state } = await client.checkStored({ folder });
      if (state === 'damaged' || bringsTexts(input, existing.passport, passport)) {
        await replaceFolder(home, existing.id, id);
        replacePassport(home.db, existing.id, passport, storedBytes);
      }
      // A requested name also renames a set whose content is already stored.
      if (input.name !== undefined) renameDataset(home.db, existing.id, input.name);
      return { type: 'done', dataset: requireDataset(home.db, existing.id), alreadyThere: true };
    }
    const name = input.name ?? nameOf(path, passport);
    const importedAt = Date.now();
    insertDataset(home.db, { id, name, sourcePath: path, isSample: false, importedAt, storedBytes, passport, options });
    return { type: 'done', dataset: requireDataset(home.db, id), alreadyThere: false };
  }
  return null;
}

/** Whether the file was imported without the texts that are wanted now. */
function bringsTexts({ textColumn }: ImportInput, before: Passport, now: Passport): boolean {
  if (!now.texts) return false;
  return !before.texts || (textColumn !== null && before.texts.from.join() !== now.texts.from.join());
}

/**
 * The file's name without its extension, or with it where the result would be "sample"; with the task where the same file
 * would otherwise give it too.
 */
function nameOf(path: string, passport: Passport): string {
  const name = nameFromFile(basename(path, extname(path)), 'data');
  const stem = passport.kind === 'windows' ? name : nameWithTask(name, taskOf(passport));
  return stem === SAMPLE_WORD ? nameFromFile(`${SAMPLE_WORD} (${basename(path)})`, 'data') : stem;
}

/** A set that is damaged or gone gets the files of the new import, and keeps its id: runs refer to it. */
async function replaceFolder(home: Home, id: string, imported: string): Promise<void> {
  const renamed = join(home.datasetsFolder, `.deleted-${id}`);
  if (existsSync(home.datasetFolder(id))) await rename(home.datasetFolder(id), renamed);
  await rename(home.datasetFolder(imported), home.datasetFolder(id));
  await removeFolder(renamed);
}

/** The folder of an import that gave no data set, under its final and its temporary name. */
async function removeTraces(datasetsFolder: string, id: string): Promise<void> {
  const names = (await readdir(datasetsFolder)).filter((name) => name.startsWith(id));
  await Promise.all(names.map((name) => removeFolder(join(datasetsFolder, name))));
}
