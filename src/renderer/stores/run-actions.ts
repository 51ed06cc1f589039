/** Actions on runs: open, repeat, compare, predict, export, resume, stop, delete. Results and errors show as toasts. */
import { useRouter, type Router } from 'vue-router';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { ExportFormat, RunSummary } from '#shared/contract/runs.ts';
import { MAX_TAGS } from '#shared/domain/runs/run-kinds.ts';
import { misfit } from '../parts/misfit.ts';
import { client } from '../rpc.ts';
import { confirm } from '../ui/feedback/confirm.ts';
import { formatBytes, plural } from '../ui/text/format.ts';
import { attempt, toast } from '../ui/feedback/toasts.ts';
import { useDatasetsStore } from './datasets-store.ts';
import { usePinnedRun } from './pinned-run.ts';
import { isLive } from './runs-store.ts';

/** Only formats exported as text; the others are written to the storage folder. */
const TEXT_TYPES: Partial<Readonly<Record<ExportFormat, string>>> = {
  csv: 'text/csv',
  command: 'text/plain',
  recipe: 'application/json',
};

export function canResume(run: RunSummary): boolean {
  return run.status === 'paused' || run.status === 'interrupted';
}

/**
 * Deletes runs after a confirmation that says how much it frees. Live runs are left out: they must be stopped first.
 */
async function remove(runs: readonly RunSummary[]): Promise<boolean> {
  const dead = runs.filter((run) => !isLive(run));
  if (dead.length === 0) {
    if (runs.length > 0) toast('A live run cannot be deleted', { detail: 'Stop it first.' });
    return false;
  }
  const what = dead.length === 1 ? `run #${dead[0].number} “${dead[0].name}”` : plural(dead.length, 'run');
  const bytes = dead.reduce((sum, run) => sum + run.storedBytes, 0);
  const yes = await confirm({
    title: `Delete ${what}?`,
    text: `${dead.length === 1 ? 'Its' : 'Their'} figures, series and checkpoints go; this frees ${formatBytes(bytes)}. The data set stays. This cannot be undone.`,
    action: dead.length === 1 ? 'Delete run' : `Delete ${plural(dead.length, 'run')}`,
    danger: true,
  });
  if (!yes) return false;
  let freedBytes = 0;
  const done = await attempt('Not every run was deleted', async () => {
    for (const run of dead) freedBytes += (await client.runs.delete({ runId: run.id })).freedBytes;
  });
  if (done) toast(`Deleted ${what}`, { kind: 'good', detail: `${formatBytes(freedBytes)} are free again.` });
  return done;
}

/** Gives a tag to every run, or takes it from all. */
async function tagAll(runs: readonly RunSummary[], tag: string, has: boolean): Promise<boolean> {
  const changed = runs.filter(({ tags }) => tags.includes(tag) !== has && (!has || tags.length < MAX_TAGS));
  const done = await attempt('Not every run was tagged', async () => {
    for (const { id, tags } of changed)
      await client.runs.annotate({ runId: id, tags: has ? [...tags, tag] : tags.filter((known) => known !== tag) });
  });
  if (done) toast(`${has ? 'Tagged' : 'Took the tag from'} ${plural(changed.length, 'run')}`, { kind: 'good' });
  return done;
}

/** Writes a run in a format: a text is saved by the browser, another file is written to the storage folder. */
function exportAs({ id }: RunSummary, format: ExportFormat): Promise<boolean> {
  return attempt('The export failed', async () => {
    const { path, text, fileName } = await client.runs.export({ runId: id, format });
    const { saveAs } = await import('../charts/drawing/export-figure.ts');
    if (text !== null) saveAs(fileName, text, TEXT_TYPES[format] ?? 'text/plain');
    toast(`Exported ${fileName}`, { kind: 'good', detail: path });
  });
}

function resume({ id, number }: RunSummary): Promise<boolean> {
  return attempt(`#${number} was not resumed`, () => client.runs.resume({ runId: id }));
}

function pause({ id, number }: RunSummary): Promise<boolean> {
  return attempt(`#${number} was not paused`, () => client.runs.pause({ runId: id }));
}

function stop({ id, number }: RunSummary): Promise<boolean> {
  return attempt(`#${number} was not stopped`, () => client.runs.stop({ runId: id, at: 'now' }));
}

function copyCommand({ id }: RunSummary): Promise<boolean> {
  return attempt('The command line was not copied', async () => {
    const { commandLine } = await client.runs.get({ runId: id });
    await navigator.clipboard.writeText(commandLine);
    toast('Command line copied', { kind: 'good' });
  });
}

/** Opens pages for runs. */
function runPages(router: Router) {
  const pinned = usePinnedRun();
  return {
    open: (run: RunSummary) => void router.push({ name: 'run', params: { id: run.id } }),
    repeat: (run: RunSummary) => void router.push({ name: 'new-run', query: { like: run.id } }),
    /** The pinned run comes first, as the baseline. */
    compare: (runs: readonly RunSummary[]) => {
      const isPinned = ({ id }: RunSummary) => Number(id === pinned.run?.id);
      const ordered = runs.toSorted((a, b) => isPinned(b) - isPinned(a));
      void router.push({ name: 'compare', query: { runs: ordered.map((run) => run.id).join(',') } });
    },
    predict: ({ id }: RunSummary) => void router.push({ name: 'predict', query: { run: id } }),
    /** The inspector of the evaluation, at the window with the lowest cosine. */
    worstWindows: ({ id }: RunSummary) =>
      void router.push({ name: 'evaluation', params: { id }, query: { look: 'worst' } }),
    /** Against the pinned run, where another one is pinned. */
    report: ({ id }: RunSummary) => {
      const against = pinned.run && pinned.run.id !== id ? pinned.run.id : undefined;
      void router.push({ name: 'reports', query: { run: id, against } });
    },
  };
}

export function useRunActions() {
  const router = useRouter();
  const datasets = useDatasetsStore();

  async function retrainOnSample(): Promise<void> {
    await attempt('The sample could not be retrained', async () => {
      const { train, ood } = await client.datasets.importSample();
      void datasets.load();
      const { sampleRecipe } = await import('./sample-recipe.ts');
      const recipe = sampleRecipe(train.id, ood.id);
      const { runId } = await client.runs.start({ recipe, name: 'AMN on the sample' });
      await router.push({ name: 'run', params: { id: runId } });
    });
  }

  /** Opens the form with this data set, without an OOD set that does not fit it; other settings stay as they are. */
  async function trainOn(dataset: Dataset): Promise<void> {
    // Imported lazily: it brings the recipe schemas along.
    const { useDraftStore } = await import('./draft-store.ts');
    const draft = useDraftStore();
    const ood = datasets.byId.get(draft.draft.ood ?? '');
    draft.set('dataset', dataset.id);
    if (!ood || ood.id === dataset.id || misfit(dataset, ood) !== '') draft.set('ood', null);
    await router.push({ name: 'new-run' });
  }

  return {
    ...runPages(router),
    resume,
    pause,
    stop,
    copyCommand,
    remove,
    tagAll,
    exportAs,
    trainOn,
    retrainOnSample,
  };
}
