/** Actions on runs: open, repeat, resume, stop, delete, copy. Results and errors show as toasts. */
import { useRouter } from 'vue-router';
import type { RunSummary } from '#shared/contract/runs.ts';
import { MAX_TAGS } from '#shared/domain/runs/run-kinds.ts';
import { client } from '../rpc.ts';
import { confirm } from '../ui/feedback/confirm.ts';
import { formatBytes, plural } from '../ui/text/format.ts';
import { attempt, toast } from '../ui/feedback/toasts.ts';
import { useDatasetsStore } from './datasets-store.ts';
import { usePinnedRun } from './pinned-run.ts';
import { isLive } from './runs-store.ts';

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

export function useRunActions() {
  const router = useRouter();
  const datasets = useDatasetsStore();
  const pinned = usePinnedRun();

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

  return {
    open: (run: RunSummary) => void router.push({ name: 'run', params: { id: run.id } }),
    repeat: (run: RunSummary) => void router.push({ name: 'new-run', query: { like: run.id } }),
    /** The pinned run comes first, as the baseline. */
    compare: (runs: readonly RunSummary[]) => {
      const isPinned = ({ id }: RunSummary) => Number(id === pinned.run?.id);
      const ordered = runs.toSorted((a, b) => isPinned(b) - isPinned(a));
      void router.push({ name: 'compare', query: { runs: ordered.map((run) => run.id).join(',') } });
    },
    resume: ({ id, number }: RunSummary) =>
      attempt(`#${number} was not resumed`, () => client.runs.resume({ runId: id })),
    pause: ({ id, number }: RunSummary) => attempt(`#${number} was not paused`, () => client.runs.pause({ runId: id })),
    stop: ({ id, number }: RunSummary) =>
      attempt(`#${number} was not stopped`, () => client.runs.stop({ runId: id, at: 'now' })),
    copyCommand: ({ id }: RunSummary) =>
      attempt('The command line was not copied', async () => {
        const { commandLine } = await client.runs.get({ runId: id });
        await navigator.clipboard.writeText(commandLine);
        toast('Command line copied', { kind: 'good' });
      }),
    remove,
    tagAll,
    retrainOnSample,
  };
}
