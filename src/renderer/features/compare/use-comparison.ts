/** The runs compared: their details and main's comparison of them; the first is the baseline. */
import { shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { RunDetail } from '#shared/contract/runs.ts';
import type { RunComparison } from '#shared/domain/evaluation/comparison.ts';
import { client } from '../../rpc.ts';
import { useRunsStore } from '../../stores/runs-store.ts';

export interface ComparisonState {
  /** In the order of the page; runs that could not be read are left out. */
  readonly details: ShallowRef<readonly RunDetail[]>;
  readonly comparison: ShallowRef<RunComparison | null>;
  readonly loading: ShallowRef<boolean>;
  readonly error: ShallowRef<unknown>;
}

export function useComparison(ids: Ref<readonly string[]>): ComparisonState {
  const runs = useRunsStore();
  const details = shallowRef<readonly RunDetail[]>([]);
  const comparison = shallowRef<RunComparison | null>(null);
  const loading = shallowRef(false);
  const error = shallowRef<unknown>(null);
  let request = 0;

  async function load(runIds: readonly string[]): Promise<void> {
    request += 1;
    const mine = request;
    loading.value = true;
    try {
      const [found, compared] = await Promise.all([
        Promise.all(runIds.map((runId) => client.runs.get({ runId }))),
        runIds.length < 2 ? null : client.evaluation.compareRuns({ runIds: [...runIds] }),
      ]);
      if (mine !== request) return;
      details.value = found;
      comparison.value = compared;
      error.value = null;
    } catch (cause) {
      if (mine === request) error.value = cause;
    } finally {
      if (mine === request) loading.value = false;
    }
  }

  // A training run is loaded again after each epoch and when its status changes.
  const stamp = () =>
    ids.value.map((id) => {
      const run = runs.byId.get(id);
      return run ? `${id} ${run.status} ${run.epochsDone} ${run.name}` : id;
    });
  watch(
    () => stamp().join(','),
    () => void load(ids.value),
    { immediate: true },
  );

  return { details, comparison, loading, error };
}
