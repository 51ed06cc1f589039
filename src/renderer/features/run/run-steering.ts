/** Steers and exports the run on screen: one call at a time, errors as toasts. */
import { computed, shallowRef, type ShallowRef } from 'vue';
import { useRouter } from 'vue-router';
import type { ExportFormat, RunSummary } from '#shared/contract/runs.ts';
import { client } from '../../rpc.ts';
import { toastError } from '../../ui/feedback/toasts.ts';
import { useRunActions } from '../../stores/run-actions.ts';
import { usePinnedRun } from '../../stores/pinned-run.ts';
import { canPredict, isLive } from '../../stores/runs-store.ts';

export type RunSteering = ReturnType<typeof useRunSteering>;

export function useRunSteering(run: ShallowRef<RunSummary | null>) {
  const actions = useRunActions();
  const pinned = usePinnedRun();
  const router = useRouter();
  /** Name of the call in flight, for the button that shows it. */
  const busy = shallowRef<string | null>(null);
  const status = computed(() => run.value?.status ?? null);
  const canPause = computed(() => status.value === 'running' || status.value === 'starting');
  const canResume = computed(() => status.value === 'paused' || status.value === 'interrupted');

  async function attempt(name: string, failed: string, work: (run: RunSummary) => Promise<unknown>): Promise<void> {
    if (!run.value || busy.value !== null) return;
    busy.value = name;
    try {
      await work(run.value);
    } catch (error) {
      toastError(failed, error);
    } finally {
      busy.value = null;
    }
  }

  const steer = (name: string, failed: string, call: (runId: string) => Promise<RunSummary>) =>
    attempt(name, failed, async ({ id }) => {
      run.value = await call(id);
    });
  const pause = () => steer('pause', 'The run was not paused', (runId) => client.runs.pause({ runId }));
  const resume = () => steer('resume', 'The run was not resumed', (runId) => client.runs.resume({ runId }));
  /** An interrupted run of an engine that may be missing here can go on on `simd`, which runs everywhere. */
  const canResumeOnSimd = computed(() => {
    const { value } = run;
    return value?.status === 'interrupted' && value.engine !== null && value.engine.name !== 'simd';
  });
  const resumeOnSimd = () =>
    steer('resume on simd', 'The run was not resumed', (runId) => client.runs.resume({ runId, engine: 'simd' }));

  return {
    busy,
    canPause,
    canResume,
    canResumeOnSimd,
    canStop: computed(() => run.value !== null && isLive(run.value)),
    canDelete: computed(() => run.value !== null && !isLive(run.value)),
    canPredict: computed(() => run.value !== null && canPredict(run.value)),
    pause,
    resume,
    resumeOnSimd,
    stop: (at: 'now' | 'epoch-end') =>
      steer('stop', 'The run was not stopped', (runId) => client.runs.stop({ runId, at })),
    toggle() {
      if (canPause.value) void pause();
      else if (canResume.value) void resume();
    },
    save: (format: ExportFormat) => attempt('export', 'The export failed', (shown) => actions.exportAs(shown, format)),
    canPin: computed(() => run.value?.best != null),
    isPinned: computed(() => run.value !== null && run.value.id === pinned.run?.id),
    togglePin() {
      if (run.value) pinned.toggle(run.value.id);
    },
    repeat() {
      if (run.value) actions.repeat(run.value);
    },
    predict() {
      if (run.value) actions.predict(run.value);
    },
    async remove() {
      if (run.value && (await actions.remove([run.value]))) await router.push({ name: 'runs' });
    },
  };
}
