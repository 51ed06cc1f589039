/** The runs compared: their details in the order of the page, and main's comparison of them; the first is the baseline. */
import { computed, watch, type Ref } from 'vue';
import type { RunDetail } from '#shared/contract/runs.ts';
import type { RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { client } from '../../rpc.ts';
import { useAnswer } from '../../ui/feedback/use-answer.ts';
import { useRunsStore } from '../../stores/runs-store.ts';

interface Compared {
  readonly details: readonly RunDetail[];
  readonly comparison: RunComparison | null;
}

export function useComparison(ids: Ref<readonly string[]>) {
  const runs = useRunsStore();
  const { answer, error, ask } = useAnswer<Compared>();

  async function load(runIds: readonly string[], signal: AbortSignal): Promise<Compared> {
    const [details, comparison] = await Promise.all([
      Promise.all(runIds.map((runId) => client.runs.get({ runId }, { signal }))),
      runIds.length < 2 ? null : client.evaluation.compareRuns({ runIds: [...runIds] }, { signal }),
    ]);
    return { details, comparison };
  }

  // A training run is loaded again after each epoch and when its status changes.
  const stamp = () =>
    ids.value.map((id) => {
      const run = runs.byId.get(id);
      return run ? `${id} ${run.status} ${run.epochsDone} ${run.name}` : id;
    });
  watch(
    () => stamp().join(','),
    () => void ask((signal) => load(ids.value, signal)),
    { immediate: true },
  );

  return {
    details: computed(() => answer.value?.details ?? []),
    comparison: computed(() => answer.value?.comparison ?? null),
    error,
  };
}
