/** `datasets.*`: the stored data sets; everything that takes the processor goes to a data worker. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { Dataset, ImportEvent } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import {
  deleteDataset,
  findDataset,
  findDatasetByContent,
  insertDataset,
  listDatasets,
  markSample,
  renameDataset,
  type ImportOptions,
} from '../store/datasets.ts';
import { removeFolder } from '../store/home.ts';
import { KnownAnswers, workOutOnce } from '../worker/known-answers.ts';
import type { WorkerClient } from '../worker/pool.ts';
import { requireOwner, type Services } from './context.ts';
import { fromWireError } from '../wire/errors.ts';
import { procedures } from './implementer.ts';
import { eventStream } from '../wire/stream.ts';

export function requireDataset({ home }: Pick<Services, 'home'>, id: string): Dataset {
  const dataset = findDataset(home.db, id);
  if (dataset !== null) return dataset;
  throw new NextvecError('NOT_FOUND', `There is no data set "${id}".`, {
    remedy: 'List the data sets, or import the file.',
    details: { place: id },
  });
}

interface ImportInput extends ImportOptions {
  readonly path: string;
  readonly name?: string;
}

/** What an import gives in the end. */
type Imported = Extract<ImportEvent, { type: 'done' }>;

/** Imports in a worker of its own; a row is made only for a folder that is whole, and the other way round. */
async function* importFile(services: Services, input: ImportInput, signal?: AbortSignal): AsyncGenerator<ImportEvent> {
  requireOwner(services);
  const id = randomBytes(6).toString('hex');
  const worker = services.workers.startSingle();
  let imported: Imported | null;
  try {
    imported = yield* importInto(services, id, worker.client, input, signal);
  } catch (error) {
    throw fromWireError(error);
  } finally {
    // Also when the reader has gone: first the worker ends, then what it left half done goes.
    await worker.release();
    if (findDataset(services.home.db, id) === null) await removeTraces(services.home.datasetsFolder, id);
  }
  // Whoever hears "done" finds nothing still at work.
  if (imported !== null) yield imported;
}

/** Yields the progress; null when the worker ended without a result. */
async function* importInto(
  { home }: Services,
  id: string,
  client: WorkerClient,
  input: ImportInput,
  signal?: AbortSignal,
): AsyncGenerator<ImportEvent, Imported | null> {
  const path = resolve(input.path);
  const options: ImportOptions = { dtype: input.dtype, crossArticles: input.crossArticles };
  for await (const event of await client.importFile({ path, folder: home.datasetFolder(id), ...options }, { signal })) {
    if (event.type === 'progress') {
      yield event;
      continue;
    }
    const { passport, storedBytes } = event;
    const there = findDatasetByContent(home.db, passport.sha256, options);
    if (there !== null && existsSync(home.datasetFolder(there.id))) {
      return { type: 'done', dataset: there, alreadyThere: true };
    }
    const name = input.name ?? basename(path, extname(path));
    const importedAt = Date.now();
    insertDataset(home.db, { id, name, sourcePath: path, isSample: false, importedAt, storedBytes, passport, options });
    return { type: 'done', dataset: requireDataset({ home }, id), alreadyThere: false };
  }
  return null;
}

/** The folder of an import that gave no data set, under its final and its temporary name. */
async function removeTraces(datasetsFolder: string, id: string): Promise<void> {
  const names = (await readdir(datasetsFolder)).filter((name) => name.startsWith(id));
  await Promise.all(names.map((name) => removeFolder(join(datasetsFolder, name))));
}

async function importWhole(services: Services, path: string, name: string): Promise<Dataset> {
  const found = listDatasets(services.home.db).find((d) => d.isSample && d.sourcePath === path);
  if (found !== undefined) return found;
  for await (const event of importFile(services, { path, name, dtype: null, crossArticles: false })) {
    if (event.type !== 'done') continue;
    markSample(services.home.db, event.dataset.id, name);
    return requireDataset(services, event.dataset.id);
  }
  throw new NextvecError('INTERNAL', `The import of ${path} ended without a result.`);
}

const SAMPLE_FILES = { train: ['sample-train.npz', 'Sample'], ood: ['sample-ood.npz', 'Sample OOD'] } as const;

async function importSample(services: Services): Promise<{ train: Dataset; ood: Dataset }> {
  requireOwner(services);
  const bring = async ([file, name]: readonly [string, string]): Promise<Dataset> => {
    const path = join(services.options.resourcesDir, 'sample', file);
    if (!existsSync(path)) {
      throw new NextvecError('FILE_NOT_FOUND', `The sample is missing from this installation (${path}).`, {
        remedy: 'Install Nextvec again, or import a file of your own.',
        details: { place: path },
      });
    }
    return importWhole(services, path, name);
  };
  const train = await bring(SAMPLE_FILES.train);
  return { train, ood: await bring(SAMPLE_FILES.ood) };
}

/** The row goes first: a folder without a row is swept at the next start, a row without a folder would be a lie. */
async function remove(services: Services, id: string, force: boolean): Promise<number> {
  const dataset = requireDataset(services, id);
  if (services.runs.isUsing(id)) {
    throw new NextvecError('CONFLICT', `"${dataset.name}" is in use by a run that is training, queued or paused.`, {
      remedy: 'Stop that run first.',
      details: { place: id },
    });
  }
  if (dataset.runCount > 0 && !force) {
    throw new NextvecError('CONFLICT', `"${dataset.name}" is used by ${dataset.runCount} runs.`, {
      remedy: 'Delete those runs first, or delete it anyway: the runs stay, but cannot go on.',
      details: { place: id },
    });
  }
  const folder = services.home.datasetFolder(id);
  const doomed = join(services.home.datasetsFolder, `.deleted-${id}`);
  deleteDataset(services.home.db, id);
  if (!existsSync(folder)) return 0;
  await rename(folder, doomed);
  return removeFolder(doomed);
}

/** Some kilobytes each: a point an article. */
const STRIPS_KEPT = 100;

export function datasetsRouter(services: Services) {
  const { home, workers } = services;
  const { datasets } = procedures;
  const strips = new KnownAnswers<ReturnType<WorkerClient['coherenceStrip']>>(STRIPS_KEPT);
  // Two windows that ask for the sample at once get the same import.
  let sample: ReturnType<typeof importSample> | null = null;
  return datasets.router({
    list: datasets.list.handler(() => listDatasets(home.db)),
    get: datasets.get.handler(({ input }) => requireDataset(services, input.id)),
    import: datasets.import.handler(({ input, signal }) =>
      eventStream((cancelled) => importFile(services, input, cancelled), signal),
    ),
    importSample: datasets.importSample.handler(() => {
      sample ??= importSample(services).finally(() => {
        sample = null;
      });
      return sample;
    }),
    rename: datasets.rename.handler(({ input }) => {
      requireOwner(services);
      requireDataset(services, input.id);
      renameDataset(home.db, input.id, input.name);
      return requireDataset(services, input.id);
    }),
    delete: datasets.delete.handler(async ({ input }) => {
      requireOwner(services);
      return { freedBytes: await remove(services, input.id, input.force) };
    }),
    proveSplit: datasets.proveSplit.handler(async ({ input }) => {
      requireDataset(services, input.id);
      if (input.ood !== null) requireDataset(services, input.ood);
      const folder = home.datasetFolder(input.id);
      const oodFolder = input.ood === null ? null : home.datasetFolder(input.ood);
      return workers.client
        .proveSplit({ folder, oodFolder, split: input.split, seed: input.seed })
        .catch((error: unknown) => {
          throw fromWireError(error);
        });
    }),
    coherenceStrip: datasets.coherenceStrip.handler(async ({ input }) => {
      const { id } = requireDataset(services, input.id);
      return workOutOnce(strips, id, () => workers.client.coherenceStrip({ folder: home.datasetFolder(id) })).catch(
        (error: unknown) => {
          throw fromWireError(error);
        },
      );
    }),
  });
}
