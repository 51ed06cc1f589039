/** Steers and exports the run on screen: one call at a time, errors as toasts. */
import { computed, shallowRef, type ShallowRef } from 'vue';
import { useRouter } from 'vue-router';
import type { ExportFormat, RunSummary } from '#shared/contract/runs.ts';
import { client } from '../../rpc.ts';
import { attempt } from '../../ui/feedback/toasts.ts';
import { canResume, useRunActions } from '../../stores/run-actions.ts';
import { usePinnedRun } from '../../stores/pinned-run.ts';
import { canPredict, isLive } from '../../stores/runs-store.ts';

export type RunSteering = ReturnType<typeof useRunSteering>;

/** What the run allows as it is now. */
function useAllowed(run: ShallowRef<RunSummary | null>) {
  const whether = (allows: (run: RunSummary) => boolean) => computed(() => run.value !== null && allows(run.value));
  return {
    canPause: whether(({ status }) => status === 'running' || status === 'starting'),
    canResume: whether(canResume),
    /** An interrupted run of an engine that may be missing here can go on on `simd`, which runs everywhere. */
    canResumeOnSimd: whether(
      ({ status, engine }) => status === 'interrupted' && engine !== null && engine.name !== 'simd',
    ),
    canStop: whether(isLive),
    canDelete: whether((shown) => !isLive(shown)),
    canPredict: whether(canPredict),
    canPin: whether(({ best }) => best !== null),
  };
}

/** Calls for the run on screen; one that is made while another is in flight is ignored. */
function useOneCall(run: ShallowRef<RunSummary | null>) {
  /** Name of the call in flight, for the button that shows it. */
  const busy = shallowRef<string | null>(null);

  async function call(name: string, failed: string, work: (run: RunSummary) => Promise<unknown>): Promise<void> {
    if (!run.value || busy.value !== null) return;
    const shown = run.value;
    busy.value = name;
    await attempt(failed, () => work(shown));
    busy.value = null;
  }

  return { busy, call };
}

export function useRunSteering(run: ShallowRef<RunSummary | null>) {
  const actions = useRunActions();
  const pinned = usePinnedRun();
  const router = useRouter();
  const allowed = useAllowed(run);
  const { busy, call } = useOneCall(run);

  const steer = (name: string, failed: string, change: (runId: string) => Promise<RunSummary>) =>
    call(name, failed, async ({ id }) => (run.value = await change(id)));
  const pause = () => steer('pause', 'The run was not paused', (runId) => client.runs.pause({ runId }));
  const resume = () => steer('resume', 'The run was not resumed', (runId) => client.runs.resume({ runId }));
  const withRun = (act: (run: RunSummary) => void) => () => {
    if (run.value) act(run.value);
  };

  return {
    ...allowed,
    busy,
    pause,
    resume,
    resumeOnSimd: () =>
      steer('resume on simd', 'The run was not resumed', (runId) => client.runs.resume({ runId, engine: 'simd' })),
    stop: (at: 'now' | 'epoch-end') =>
      steer('stop', 'The run was not stopped', (runId) => client.runs.stop({ runId, at })),
    toggle() {
      if (allowed.canPause.value) void pause();
      else if (allowed.canResume.value) void resume();
    },
    save: (format: ExportFormat) => call('export', 'The export failed', (shown) => actions.exportAs(shown, format)),
    isPinned: computed(() => run.value !== null && run.value.id === pinned.run?.id),
    togglePin: withRun(({ id }) => pinned.toggle(id)),
    repeat: withRun(actions.repeat),
    predict: withRun(actions.predict),
    async remove() {
      if (run.value && (await actions.remove([run.value]))) await router.push({ name: 'runs' });
    },
  };
}
