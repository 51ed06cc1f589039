/**
 * The data sets of a storage folder: import, rename, delete, split proof and figures of articles. Heavy work runs in data
 * workers. Not here: the import itself (`import.ts`) and the rows (`store/datasets.ts`).
 */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type {
  Articles,
  ArticleSides,
  Dataset,
  ImportEvent,
  ImportPreview,
  SplitProof,
  TextHit,
} from '#shared/contract/datasets.ts';
import type { Place } from '#shared/contract/places.ts';
import type { FileDescription } from '#shared/domain/datasets/mapping.ts';
import { TURNED_SAMPLE, isTurnedSample } from '#shared/domain/datasets/turned-sample.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { WindowTexts } from '#shared/domain/evaluation/inspection.ts';
import type { Split } from '#shared/domain/recipe/recipe.ts';
import { deleteDataset, listDatasets, markSample, renameDataset, requireDataset } from '../store/datasets.ts';
import { removeFolder, type Home } from '../store/home.ts';
import { deleteFreeingSpace, keepReserve } from '../store/reserve.ts';
import { fromWireError } from '../wire/errors.ts';
import { LruCache, memoize } from '../processes/memoize.ts';
import type { WorkerClient, WorkerPool } from '../processes/worker-pool.ts';
import { storedArticles } from './measures/article-table.ts';
import { importAgain } from './import/import-again.ts';
import { hasTextIndex } from './texts/search.ts';
import { writeTurned } from './turned.ts';
import { importFile, previewFile, type ImportInput } from './import/worker-import.ts';

export interface DatasetServiceOptions {
  readonly home: Home;
  readonly workers: WorkerPool;
  readonly resourcesDir: string;
  /** Whether a run that is training, queued or paused reads this data set. */
  readonly isInUse: (datasetId: string) => boolean;
}

/** Sets of an earlier version; some kilobytes each. */
const MEASURED_KEPT = 100;

const SAMPLE_FILES = { train: ['sample-train.npz', 'Sample'], ood: ['sample-ood.npz', 'Sample OOD'] } as const;

/** Fixed: another seed gives another data set. */
const TURN_SEED = 1;

export class DatasetService {
  private readonly options: DatasetServiceOptions;
  private readonly home: Home;
  private readonly measuredArticles = new LruCache<Promise<Articles>>(MEASURED_KEPT);
  /** The import of the sample under way: two windows that ask at once share it. */
  private sample: Promise<{ train: Dataset; ood: Dataset }> | null = null;
  /** First searches under way, by data set: they build its index. */
  private readonly firstSearches = new Map<string, Promise<TextHit[]>>();

  constructor(options: DatasetServiceOptions) {
    this.options = options;
    this.home = options.home;
  }

  list(): Dataset[] {
    return listDatasets(this.home.db);
  }

  get(id: string): Dataset {
    return requireDataset(this.home.db, id);
  }

  /** Where its stored files lie. */
  folder(id: string): string {
    return this.home.datasetFolder(this.get(id).id);
  }

  /** In a worker of its own: a damaged file can keep its reader for ever. */
  describe(file: string, signal?: AbortSignal): Promise<FileDescription> {
    const path = resolve(file);
    return this.options.workers.read(path, (client) => client.describe({ path }, { signal }), signal);
  }

  /** What an import would give; nothing stays. */
  preview(input: ImportInput, signal?: AbortSignal): Promise<ImportPreview> {
    return previewFile(this.options, input, signal);
  }

  /** Progress, then `done`. Leaving the loop or aborting cancels the import and removes what it wrote. */
  import(input: ImportInput, signal?: AbortSignal): AsyncGenerator<ImportEvent> {
    return importFile(this.options, input, signal);
  }

  /** The source of a set, read anew as it was read before: `done` with the same set, or with a new one where it has changed. */
  importAgain(id: string, signal?: AbortSignal): AsyncGenerator<ImportEvent> {
    return importAgain(this.options, this.get(id), signal);
  }

  /** Imports the bundled sample unless it is stored already. */
  importSample(): Promise<{ train: Dataset; ood: Dataset }> {
    this.sample ??= this.importSampleFiles().finally(() => {
      this.sample = null;
    });
    return this.sample;
  }

  /** The OOD set of the sample as another encoder might have made it, imported unless it is stored already. */
  async importTurnedSample(): Promise<Dataset> {
    const found = this.list().find(isTurnedSample);
    if (found !== undefined) return found;
    const path = join(this.home.exportsFolder, TURNED_SAMPLE.fileName);
    await writeTurned(this.sampleFile('ood').path, path, TURN_SEED);
    return this.importWhole(path, TURNED_SAMPLE.name);
  }

  rename(id: string, name: string): Dataset {
    this.get(id);
    renameDataset(this.home.db, id, name);
    return this.get(id);
  }

  /**
   * Deletes a data set and returns the bytes freed on disk. CONFLICT while a live run reads it, or while any run was
   * trained on it unless `force`.
   */
  async delete(id: string, force: boolean): Promise<number> {
    const dataset = this.get(id);
    if (this.options.isInUse(id)) {
      throw new NextvecError('CONFLICT', `"${dataset.name}" is in use by a run that is training, queued or paused.`, {
        remedy: 'Stop that run first.',
        details: { place: id },
      });
    }
    if (dataset.runCount > 0 && !force) {
      throw new NextvecError('CONFLICT', `"${dataset.name}" is used by ${dataset.runCount} runs.`, {
        remedy: 'Delete those runs first, or delete it anyway: the runs stay, but cannot be resumed.',
        details: { place: id },
      });
    }
    // The row first: a folder without a row is removed at the next start, a row without a folder would be an error.
    const freed = await deleteFreeingSpace(
      this.home.path,
      () => deleteDataset(this.home.db, id),
      () => this.removeFiles(id),
    );
    keepReserve(this.home.path);
    return freed;
  }

  /** Returns the bytes freed. */
  private async removeFiles(id: string): Promise<number> {
    const folder = this.home.datasetFolder(id);
    if (!existsSync(folder)) return 0;
    const renamed = join(this.home.datasetsFolder, `.deleted-${id}`);
    await rename(folder, renamed);
    return removeFolder(renamed);
  }

  /** The split of `id`, with the counts that prove that no article or vector is shared between its sides. */
  async proveSplit(id: string, ood: string | null, split: Split, seed: number): Promise<SplitProof> {
    const folder = this.folder(id);
    const oodFolder = ood === null ? null : this.folder(ood);
    return this.call((client) => client.proveSplit({ folder, oodFolder, split, seed }));
  }

  /** Length, coherence and duplicates of each article, in file order. */
  async articles(id: string): Promise<Articles> {
    const folder = this.folder(id);
    const stored = storedArticles(folder);
    if (stored) return stored;
    return this.call((client) => memoize(this.measuredArticles, id, () => client.articles({ folder })));
  }

  /** Windows of each article on the sides of a split. */
  async articleSides(id: string, split: Split, seed: number): Promise<ArticleSides> {
    const folder = this.folder(id);
    return this.call((client) => client.articleSides({ folder, split, seed }));
  }

  /** Vectors in the order of the file, with their texts. */
  async texts(id: string, first: number, count: number): Promise<Place[]> {
    const folder = this.folder(id);
    return this.call((client) => client.texts({ folder, first, count }));
  }

  async windowTexts(id: string, windows: number[]): Promise<WindowTexts[]> {
    const folder = this.folder(id);
    return this.call((client) => client.windowTexts({ folder, windows }));
  }

  /** The first search of a set builds its index, in a worker of its own; searches that come meanwhile wait for it. */
  async search(id: string, words: string, limit: number): Promise<TextHit[]> {
    const folder = this.folder(id);
    const search = (client: WorkerClient): Promise<TextHit[]> => client.searchTexts({ folder, words, limit });
    const underWay = this.firstSearches.get(id);
    if (underWay) {
      // It may fail for its own words, which these do not share.
      await underWay.catch(() => undefined);
      return this.call(search);
    }
    if (hasTextIndex(folder)) return this.call(search);
    const first = this.options.workers.once(search).finally(() => this.firstSearches.delete(id));
    this.firstSearches.set(id, first);
    return first;
  }

  private async call<R>(work: (client: WorkerClient) => Promise<R>): Promise<R> {
    try {
      return await work(this.options.workers.client);
    } catch (error) {
      throw fromWireError(error);
    }
  }

  private async importSampleFiles(): Promise<{ train: Dataset; ood: Dataset }> {
    const train = await this.importSampleFile('train');
    return { train, ood: await this.importSampleFile('ood') };
  }

  private async importSampleFile(part: keyof typeof SAMPLE_FILES): Promise<Dataset> {
    const { path, name } = this.sampleFile(part);
    const found = this.list().find(({ isSample, sourcePath }) => isSample && sourcePath === path);
    if (found !== undefined) return found;
    const { id } = await this.importWhole(path, name);
    markSample(this.home.db, id, name);
    return this.get(id);
  }

  private sampleFile(part: keyof typeof SAMPLE_FILES): { path: string; name: string } {
    const [file, name] = SAMPLE_FILES[part];
    const path = join(this.options.resourcesDir, 'sample', file);
    if (existsSync(path)) return { path, name };
    throw new NextvecError('FILE_NOT_FOUND', `The sample is missing from this installation (${path}).`, {
      remedy: 'Install Nextvec again, or import a file of your own.',
      details: { place: path },
    });
  }

  /** A file of our own, imported with the usual settings. */
  private async importWhole(path: string, name: string): Promise<Dataset> {
    const settings = { dtype: null, crossArticles: false, texts: true, textColumn: null };
    for await (const event of this.import({ path, name, ...settings })) if (event.type === 'done') return event.dataset;
    throw new NextvecError('INTERNAL', `The import of ${path} ended without a result.`);
  }
}
