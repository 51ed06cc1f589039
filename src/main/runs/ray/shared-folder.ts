/**
 * A cluster's shared folder, which has the same path on every machine. Data sets lie there once, by their hash; a run has a
 * folder for its checkpoints, and in it one folder an attempt, i.e. a Ray job:
 *   datasets/HASH/            a stored data set without its texts
 *   runs/RUN/best-…, last-…   checkpoints
 *   runs/RUN/attempts/K/      job.json     what to train
 *                             events.jsonl what the trainer says (`events.ts`), written by the job
 *                             control.jsonl what it is asked to do, written by the program that follows it
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { access, appendFile, cp, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TrainerJobSchema, type TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { fileFault } from '#shared/domain/file-faults.ts';
import { fromTypedJson, toTypedJson } from './typed-json.ts';

/** Where the program lies differs between machines; the job's own command line knows. */
const SentJobSchema = TrainerJobSchema.omit({ resourcesDir: true, dataWorker: true });
export type SentJob = z.infer<typeof SentJobSchema>;

const JobFileSchema = z.object({
  /** Version of the program that sent it. */
  version: z.string(),
  job: SentJobSchema,
});
export type JobFile = z.infer<typeof JobFileSchema>;

const ControlSchema = z.discriminatedUnion('call', [
  z.object({ call: z.literal('pause') }),
  z.object({ call: z.literal('resume') }),
  z.object({ call: z.literal('stop'), at: z.enum(['now', 'epoch-end']), reason: z.string() }),
]);
export type Control = z.infer<typeof ControlSchema>;

export function runFolder(folder: string, runId: string): string {
  return join(folder, 'runs', runId);
}

export function attemptFolder(folder: string, runId: string, attempt: number): string {
  return join(runFolder(folder, runId), 'attempts', String(attempt));
}

export function eventsFile(attempt: string): string {
  return join(attempt, 'events.jsonl');
}

function controlFile(attempt: string): string {
  return join(attempt, 'control.jsonl');
}

/** Whether a later attempt has taken the place of this one, which then must not write any more. */
export function isReplaced(attempt: string): boolean {
  return existsSync(join(dirname(attempt), String(Number(basename(attempt)) + 1)));
}

export async function sendControl(attempt: string, control: Control): Promise<void> {
  await appendFile(controlFile(attempt), `${JSON.stringify(control)}\n`);
}

/** What was asked so far. A request that is being written is left for the next look. */
export function readControls(attempt: string): Control[] {
  const path = controlFile(attempt);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => ControlSchema.parse(JSON.parse(line)));
}

export async function writeJob(attempt: string, file: JobFile): Promise<void> {
  await mkdir(attempt, { recursive: true });
  await writeSynced(join(attempt, 'job.json'), toTypedJson(file));
}

/** Throws FILE_NOT_FOUND or BAD_INPUT. */
export async function readJob(attempt: string): Promise<JobFile> {
  const path = join(attempt, 'job.json');
  try {
    return JobFileSchema.parse(fromTypedJson(await readFile(path, 'utf8')));
  } catch (cause) {
    const isMissing = fileFault(cause) !== null;
    const what = isMissing ? 'cannot be read' : 'is no job of this version';
    throw new NextvecError(isMissing ? 'FILE_NOT_FOUND' : 'BAD_INPUT', `${path} ${what} on this machine.`, {
      remedy:
        'The shared folder must have the same path on every machine of the cluster, and the program the same version.',
      details: { place: path },
      cause,
    });
  }
}

/** Writes the file whole, on disk and visible to machines that open it from now on. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Texts are not trained on, and may be private. */
const NOT_SENT = /^(texts\.bin|text-blocks\.bin|vector-texts\.bin|text-index\.db.*)$/;

/** Copies a stored data set into the shared folder unless it lies there; returns its place. */
export async function sendDataset(folder: string, dataset: string): Promise<string> {
  // The description holds the checksums of the other files.
  const hash = createHash('sha256').update(await readFile(join(dataset, 'meta.json')));
  const place = join(folder, 'datasets', hash.digest('hex').slice(0, 32));
  await copyFolder(dataset, place, (name) => !NOT_SENT.test(name));
  return place;
}

/**
 * Copies a folder under a temporary name, then renames it: a folder of the final name is whole. One that is there stays. Throws
 * where `from` is gone at the end: it may have been copied in part.
 */
export async function copyFolder(from: string, to: string, isWanted = (_name: string) => true): Promise<void> {
  if (existsSync(to)) return;
  await mkdir(dirname(to), { recursive: true });
  const temporary = join(dirname(to), `.${basename(to)}.${process.pid}.tmp`);
  try {
    await cp(from, temporary, { recursive: true, filter: (path) => path === from || isWanted(basename(path)) });
    await syncFiles(temporary);
    await access(from);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another program has just sent the same.
    if (!existsSync(to)) throw error;
  }
}

async function syncFiles(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.sync().finally(() => file.close());
  }
}

/** What a job needs is copied there, and its paths are those in the shared folder. */
export async function sendJob(folder: string, attempt: string, version: string, job: TrainerJob): Promise<void> {
  const { resourcesDir: _resources, dataWorker: _worker, ...rest } = job;
  const ownFolder = runFolder(folder, job.runId);
  await mkdir(ownFolder, { recursive: true });
  const sent: SentJob = {
    ...rest,
    runFolder: ownFolder,
    datasetFolder: await sendDataset(folder, job.datasetFolder),
    oodFolder: job.oodFolder === null ? null : await sendDataset(folder, job.oodFolder),
    initFile: job.initFile && { ...job.initFile, path: await sendWeights(ownFolder, job.initFile) },
    parts: await Promise.all(job.parts.map(async (part) => ({ ...part, folder: await sendPart(ownFolder, part) }))),
  };
  await writeJob(attempt, { version, job: sent });
}

/** The checkpoint of another run as a whole, since it is checked before use; else the file alone. */
async function sendWeights(ownFolder: string, { path, run }: NonNullable<TrainerJob['initFile']>): Promise<string> {
  if (run === null) {
    const place = join(ownFolder, 'start', basename(path));
    await mkdir(dirname(place), { recursive: true });
    await cp(path, place);
    return place;
  }
  const checkpoint = dirname(path);
  const place = join(ownFolder, 'start', basename(checkpoint));
  await copyFolder(checkpoint, place);
  return join(place, basename(path));
}

async function sendPart(ownFolder: string, { run, folder }: TrainerJob['parts'][number]): Promise<string> {
  const place = join(ownFolder, 'parts', run.runId, basename(folder));
  await copyFolder(folder, place);
  return place;
}
