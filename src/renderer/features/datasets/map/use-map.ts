/**
 * The map of a data set: a layout for each method and the facts for each run, each requested once. All have the same
 * points, so a run's facts colour any layout. Leaving the page cancels the work.
 */
import { computed, onScopeDispose, shallowRef, triggerRef, type ComputedRef, type ShallowRef } from 'vue';
import type { MapMethod } from '#shared/domain/datasets/vector-map.ts';
import { client } from '../../../rpc.ts';
import { isCancelled } from '../../../ui/feedback/errors.ts';
import type { Facts, Layout } from './map-view.ts';

export interface MapWish {
  readonly method: MapMethod;
  /** Run whose split and predictions are shown; null: the default split. */
  readonly runId: string | null;
}

export interface MapState {
  readonly layout: ComputedRef<Layout | null>;
  readonly facts: ComputedRef<Facts | null>;
  readonly work: ShallowRef<{ readonly phase: string; readonly fraction: number | null } | null>;
  readonly error: ShallowRef<unknown>;
  readonly ask: (wish: MapWish) => Promise<void>;
  readonly cancel: () => void;
}

export function useMap(datasetId: string): MapState {
  const layouts = shallowRef(new Map<MapMethod, Layout>());
  const factsOf = shallowRef(new Map<string | null, Facts>());
  const shown = shallowRef<MapWish>({ method: 'pca', runId: null });
  const work = shallowRef<{ readonly phase: string; readonly fraction: number | null } | null>(null);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    work.value = null;
  }

  async function ask(wish: MapWish): Promise<void> {
    cancel();
    error.value = null;
    const hasLayout = layouts.value.has(wish.method);
    if (hasLayout && factsOf.value.has(wish.runId)) {
      shown.value = wish;
      return;
    }
    const mine = new AbortController();
    running = mine;
    work.value = { phase: 'starting', fraction: null };
    try {
      // Facts can be requested with any layout, so a known layout is not computed again.
      const method = hasLayout ? 'pca' : wish.method;
      const events = await client.evaluation.map({ id: datasetId, method, runId: wish.runId }, { signal: mine.signal });
      for await (const event of events) {
        if (mine.signal.aborted) return;
        if (event.type === 'progress') {
          work.value = { phase: event.phase, fraction: event.fraction };
          continue;
        }
        layouts.value.set(method, event.map);
        factsOf.value.set(wish.runId, event.map);
        triggerRef(layouts);
        triggerRef(factsOf);
        shown.value = wish;
      }
    } catch (cause) {
      if (!mine.signal.aborted && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) cancel();
    }
  }
  onScopeDispose(cancel);
  return {
    layout: computed(() => layouts.value.get(shown.value.method) ?? null),
    facts: computed(() => factsOf.value.get(shown.value.runId) ?? null),
    work,
    error,
    ask,
    cancel,
  };
}
