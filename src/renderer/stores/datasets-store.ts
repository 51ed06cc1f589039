/** The stored data sets, and the imports of this window, which continue while other pages are shown. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { Dataset, ImportEvent, ImportSettings } from '#shared/contract/datasets.ts';
import { client, connection } from '../rpc.ts';
import { isCancelled } from '../ui/feedback/errors.ts';
import { toast } from '../ui/feedback/toasts.ts';
import { formatBytes, plural } from '../ui/text/format.ts';
import { baseName, pickFile } from './file-picker.ts';

/** A file, or a stored set whose file is read anew. */
type ImportSource = ImportSettings | { readonly again: string; readonly path: string };

export interface ImportJob {
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly source: ImportSource;
  phase: string;
  /** 0..1, null while unknown. */
  fraction: number | null;
  etaMs: number | null;
  /** Why it failed; null while it runs. */
  error: unknown;
}

function eventsOf(source: ImportSource, signal: AbortSignal) {
  if ('again' in source) return client.datasets.importAgain({ id: source.again }, { signal });
  return client.datasets.import(source, { signal });
}

function textWords({ passport: { texts } }: Dataset): string | undefined {
  return texts ? `With ${plural(texts.texts, 'text')}, ${formatBytes(texts.storedBytes)}.` : undefined;
}

export const useDatasetsStore = defineStore('datasets', () => {
  const list = shallowRef<readonly Dataset[]>([]);
  const loaded = shallowRef(false);
  const error = shallowRef<unknown>(null);
  const imports = ref<ImportJob[]>([]);
  /** File whose import is being prepared in the import dialog. */
  const fileToImport = ref<string | null>(null);
  /** Id of the data set imported last by this window; the page shows it. */
  const lastImported = ref<string | null>(null);
  const controllers = new Map<number, AbortController>();
  let nextJob = 1;

  const byId = computed(() => new Map(list.value.map((dataset) => [dataset.id, dataset])));

  async function load(): Promise<void> {
    try {
      list.value = (await client.datasets.list()).toSorted((a, b) => b.importedAt - a.importedAt);
      error.value = null;
      loaded.value = true;
    } catch (cause) {
      error.value = cause;
    }
  }

  function update(id: number, changes: Partial<ImportJob>): void {
    imports.value = imports.value.map((job) => (job.id === id ? { ...job, ...changes } : job));
  }

  function dismissImport(id: number): void {
    controllers.get(id)?.abort();
    controllers.delete(id);
    imports.value = imports.value.filter((job) => job.id !== id);
  }

  async function noteDone(event: Extract<ImportEvent, { type: 'done' }>, source: ImportSource): Promise<Dataset> {
    await load();
    const { dataset, alreadyThere } = event;
    lastImported.value = dataset.id;
    if (alreadyThere && 'again' in source)
      toast(`Nothing new in ${baseName(source.path)}`, { detail: 'It is as it was.' });
    else if (alreadyThere) toast(`“${dataset.name}” was there already`, { detail: 'The file has the same contents.' });
    else toast(`Imported “${dataset.name}”`, { kind: 'good', detail: textWords(dataset) });
    return dataset;
  }

  /**
   * Imports a file of the host, or that of a set again. Resolves to null when it was cancelled or failed; a failed job stays in `imports` with
   * its error.
   */
  async function startImport(source: ImportSource): Promise<Dataset | null> {
    const id = nextJob++;
    const { path } = source;
    const controller = new AbortController();
    controllers.set(id, controller);
    const job: ImportJob = {
      id,
      path,
      name: baseName(path),
      source,
      phase: 'Opening',
      fraction: null,
      etaMs: null,
      error: null,
    };
    imports.value = [...imports.value, job];
    try {
      for await (const event of await eventsOf(source, controller.signal)) {
        if (event.type === 'progress') update(id, { phase: event.phase, fraction: event.fraction, etaMs: event.etaMs });
        else {
          dismissImport(id);
          return await noteDone(event, source);
        }
      }
    } catch (cause) {
      if (controller.signal.aborted || isCancelled(cause)) dismissImport(id);
      else update(id, { error: cause });
    }
    return null;
  }

  async function retryImport(job: ImportJob): Promise<Dataset | null> {
    dismissImport(job.id);
    return startImport(job.source);
  }

  /** Asks for a file, then opens the import dialog. */
  async function chooseFile(): Promise<void> {
    fileToImport.value = await pickFile('dataset');
  }

  watch(connection, (state) => state === 'open' && void load(), { immediate: true });

  return {
    list,
    byId,
    loaded,
    error,
    imports,
    fileToImport,
    lastImported,
    load,
    startImport,
    dismissImport,
    retryImport,
    chooseFile,
  };
});
