/** The stored evaluations of a run, and the one in progress. */
import { ref, shallowRef } from 'vue';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { client } from '../../rpc.ts';
import { useWork } from '../../ui/feedback/use-work.ts';
import type { Choice } from './choices.ts';

export function useEvaluations(runId: string) {
  /** Newest first. */
  const list = shallowRef<readonly Evaluation[]>([]);
  const loaded = ref(false);
  /** What the work in progress, or else the last one, evaluates on. */
  const asked = shallowRef<Choice | null>(null);
  const { progress, error, start, cancel } = useWork();

  async function load(): Promise<void> {
    list.value = await client.evaluation.list({ runId });
    loaded.value = true;
  }
  load().catch(() => (loaded.value = true));

  /** `ceiling`: also measure what can be had on the set. */
  function evaluate(choice: Choice, ceiling: boolean): Promise<void> {
    const { datasetId, part } = choice;
    asked.value = choice;
    return start(
      (signal) => client.evaluation.evaluate({ runId, datasetId, part, ceiling }, { signal }),
      ({ evaluation }) => (list.value = [evaluation, ...list.value]),
    );
  }

  return { list, loaded, asked, progress, error, evaluate, cancel };
}
