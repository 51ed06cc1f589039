/** Actions on runs: open, repeat, resume, stop, delete, copy. Results and errors show as toasts. */
import { useRouter } from 'vue-router';
import type { RunSummary } from '#shared/contract/runs.ts';
import { client } from '../rpc.ts';
import { confirm } from '../ui/feedback/confirm.ts';
import { formatBytes, plural } from '../ui/text/format.ts';
import { toast, toastError } from '../ui/feedback/toasts.ts';
import { useDatasetsStore } from './datasets-store.ts';
import { isLive } from './runs-store.ts';

export function canResume(run: RunSummary): boolean {
  return run.status === 'paused' || run.status === 'interrupted';
}

export interface RunActions {
  readonly open: (run: RunSummary) => void;
  readonly repeat: (run: RunSummary) => void;
  readonly compare: (runs: readonly RunSummary[]) => void;
  readonly resume: (run: RunSummary) => Promise<void>;
  readonly pause: (run: RunSummary) => Promise<void>;
  readonly stop: (run: RunSummary) => Promise<void>;
  readonly copyCommand: (run: RunSummary) => Promise<void>;
  readonly remove: (runs: readonly RunSummary[]) => Promise<boolean>;
  readonly retrainOnSample: () => Promise<void>;
}

async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    toastError(what, error);
    return false;
  }
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

export function useRunActions(): RunActions {
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

  return {
    open: (run) => void router.push({ name: 'run', params: { id: run.id } }),
    repeat: (run) => void router.push({ name: 'new-run', query: { like: run.id } }),
    compare: (runs) => void router.push({ name: 'compare', query: { runs: runs.map((run) => run.id).join(',') } }),
    resume: async (run) =>
      void (await attempt(`#${run.number} was not resumed`, () => client.runs.resume({ runId: run.id }))),
    pause: async (run) =>
      void (await attempt(`#${run.number} was not paused`, () => client.runs.pause({ runId: run.id }))),
    stop: async (run) =>
      void (await attempt(`#${run.number} was not stopped`, () => client.runs.stop({ runId: run.id, at: 'now' }))),
    copyCommand: async (run) =>
      void (await attempt('The command line was not copied', async () => {
        const { commandLine } = await client.runs.get({ runId: run.id });
        await navigator.clipboard.writeText(commandLine);
        toast('Command line copied', { kind: 'good' });
      })),
    remove,
    retrainOnSample,
  };
}
