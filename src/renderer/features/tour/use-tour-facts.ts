/** What is stored of the tour: its plan, runs and evaluations. Not here: the steps made of it (use-tour.ts). */
import { computed, shallowRef, watch, type ShallowRef } from 'vue';
import type { RunDetail } from '#shared/contract/runs.ts';
import { isTurnedSample } from '#shared/domain/datasets/turned-sample.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { isTour } from '#shared/domain/plans/plan-templates.ts';
import { client } from '../../rpc.ts';
import { useDatasetsStore } from '../../stores/datasets-store.ts';
import { usePlansStore } from '../../stores/plans-store.ts';
import { useRunsStore } from '../../stores/runs-store.ts';
import { attempt } from '../../ui/feedback/toasts.ts';
import type { TourFacts } from './tour-words.ts';

export type StoredTour = ReturnType<typeof useTourFacts>;

export function useTourFacts() {
  const plans = usePlansStore();
  const runs = useRunsStore();
  const datasets = useDatasetsStore();

  const plan = computed(() => plans.plans.find(({ items }) => isTour(items)) ?? null);
  const item = (key: string) => plan.value?.items.find((one) => one.key === key) ?? null;
  const runOf = (key: string) => runs.byId.get(item(key)?.runId ?? '') ?? null;
  const ended = (key: string) => (runOf(key)?.status === 'finished' ? (runOf(key)?.id ?? null) : null);

  const evaluations = shallowRef<readonly Evaluation[]>([]);
  onEnd(() => ended('mse'), evaluations, [], 'The evaluations could not be read', client.evaluation.list);
  const proposedDetail = shallowRef<RunDetail | null>(null);
  onEnd(() => ended('proposed'), proposedDetail, null, 'The run could not be read', client.runs.get);

  const facts = computed((): TourFacts => {
    const mse = runOf('mse');
    const turned = datasets.list.find(isTurnedSample);
    const on = (id: string | null | undefined) => evaluations.value.find((one) => one.data.id === id) ?? null;
    const last = proposedDetail.value?.epochs.at(-1);
    return {
      mse,
      proposed: runOf('proposed'),
      leaking: runOf('leaking'),
      robust: runOf('robust'),
      onOod: mse?.recipe.ood ? on(mse.recipe.ood) : null,
      onTurned: turned ? on(turned.id) : null,
      infoShare: last?.terms.info_nce.gradShare ?? null,
      reportPath: item('report')?.reportPath ?? null,
    };
  });

  return { plan, item, runOf, evaluations, proposedDetail, facts };
}

/** Reads into `target` once a run has ended; `endedRun` is its id, null until then, and `target` is `none`. */
function onEnd<T>(
  endedRun: () => string | null,
  target: ShallowRef<T>,
  none: T,
  failed: string,
  read: (of: { runId: string }) => Promise<T>,
): void {
  watch(
    endedRun,
    async (runId) => {
      target.value = none;
      if (runId !== null) await attempt(failed, async () => (target.value = await read({ runId })));
    },
    { immediate: true },
  );
}
