/**
 * The map of a data set: a layout for each method and the facts for each run, each requested once. All have the same
 * points, so a run's facts colour any layout.
 */
import { computed, shallowRef, triggerRef } from 'vue';
import type { MapMethod } from '#shared/domain/datasets/vector-map.ts';
import { client } from '../../../rpc.ts';
import { useWork } from '../../../ui/feedback/use-work.ts';
import type { Facts, Layout } from './map-view.ts';

interface MapWish {
  readonly method: MapMethod;
  /** Run whose split and predictions are shown; null: the default split. */
  readonly runId: string | null;
}

export function useMap(datasetId: string) {
  const layouts = shallowRef(new Map<MapMethod, Layout>());
  const factsOf = shallowRef(new Map<string | null, Facts>());
  const shown = shallowRef<MapWish>({ method: 'pca', runId: null });
  const { progress, error, start, cancel } = useWork();

  async function ask(wish: MapWish): Promise<void> {
    cancel();
    error.value = null;
    const { runId } = wish;
    const hasLayout = layouts.value.has(wish.method);
    if (hasLayout && factsOf.value.has(runId)) {
      shown.value = wish;
      return;
    }
    // Facts can be requested with any layout, so a known layout is not computed again.
    const method = hasLayout ? 'pca' : wish.method;
    await start(
      (signal) => client.evaluation.map({ id: datasetId, method, runId }, { signal }),
      ({ map }) => {
        layouts.value.set(method, map);
        factsOf.value.set(runId, map);
        triggerRef(layouts);
        triggerRef(factsOf);
        shown.value = wish;
      },
    );
  }

  return {
    layout: computed(() => layouts.value.get(shown.value.method) ?? null),
    facts: computed(() => factsOf.value.get(shown.value.runId) ?? null),
    progress,
    error,
    ask,
    cancel,
  };
}
