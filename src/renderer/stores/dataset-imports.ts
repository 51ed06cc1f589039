/** Imports of data sets by this window, which continue while other pages are shown. */
import { ref } from 'vue';
import type { Dataset, ImportEvent, ImportSettings } from '#shared/contract/datasets.ts';
import { client } from '../rpc.ts';
import { isCancelled } from '../ui/feedback/errors.ts';
import { toast } from '../ui/feedback/toasts.ts';
import { formatBytes, plural } from '../ui/text/format.ts';
import { baseName } from './file-picker.ts';

/** A file, or a stored set whose file is read anew. */
type ImportSource = ImportSettings | { readonly again: string; readonly path: string };

type ImportDone = Extract<ImportEvent, { type: 'done' }>;

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

function freshJob(id: number, source: ImportSource): ImportJob {
  const { path } = source;
  return { id, path, name: baseName(path), source, phase: 'Opening', fraction: null, etaMs: null, error: null };
}

function eventsOf(source: ImportSource, signal: AbortSignal) {
  if ('again' in source) return client.datasets.importAgain({ id: source.again }, { signal });
  return client.datasets.import(source, { signal });
}

function textWords({ passport: { texts } }: Dataset): string | undefined {
  return texts ? `With ${plural(texts.texts, 'text')}, ${formatBytes(texts.storedBytes)}.` : undefined;
}

function toastImported({ dataset, alreadyThere }: ImportDone, source: ImportSource): void {
  if (alreadyThere && 'again' in source)
    toast(`Nothing new in ${baseName(source.path)}`, { detail: 'It is as it was.' });
  else if (alreadyThere) toast(`“${dataset.name}” was there already`, { detail: 'The file has the same contents.' });
  else toast(`Imported “${dataset.name}”`, { kind: 'good', detail: textWords(dataset) });
}

/** The jobs that run or have failed. */
function useJobs() {
  const imports = ref<ImportJob[]>([]);
  const controllers = new Map<number, AbortController>();
  let nextJob = 1;

  function add(source: ImportSource) {
    const id = nextJob++;
    const controller = new AbortController();
    controllers.set(id, controller);
    imports.value = [...imports.value, freshJob(id, source)];
    return { id, signal: controller.signal };
  }

  function update(id: number, changes: Partial<ImportJob>): void {
    imports.value = imports.value.map((job) => (job.id === id ? { ...job, ...changes } : job));
  }

  function dismissImport(id: number): void {
    controllers.get(id)?.abort();
    controllers.delete(id);
    imports.value = imports.value.filter((job) => job.id !== id);
  }

  return { imports, add, update, dismissImport };
}

/** `load` reads the list of data sets, after an import. */
export function useImports(load: () => Promise<void>) {
  const { imports, add, update, dismissImport } = useJobs();
  /** Id of the data set imported last; its page shows it. */
  const lastImported = ref<string | null>(null);

  /**
   * Imports a file of the host, or that of a set again. Resolves to null when it was cancelled or failed; a failed job stays in `imports` with
   * its error.
   */
  async function startImport(source: ImportSource): Promise<Dataset | null> {
    const { id, signal } = add(source);
    try {
      for await (const event of await eventsOf(source, signal)) {
        if (event.type === 'progress') update(id, { phase: event.phase, fraction: event.fraction, etaMs: event.etaMs });
        else {
          dismissImport(id);
          await load();
          lastImported.value = event.dataset.id;
          toastImported(event, source);
          return event.dataset;
        }
      }
    } catch (cause) {
      if (signal.aborted || isCancelled(cause)) dismissImport(id);
      else update(id, { error: cause });
    }
    return null;
  }

  async function retryImport(job: ImportJob): Promise<Dataset | null> {
    dismissImport(job.id);
    return startImport(job.source);
  }

  return { imports, lastImported, startImport, dismissImport, retryImport };
}
