/** Preflight of the edited recipe: requested a moment after the last change; only the last answer is kept. */
import { watchDebounced } from '@vueuse/core';
import { onScopeDispose, ref, shallowRef, type Ref } from 'vue';
import type { Preflight } from '#shared/contract/runs.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { client } from '../../rpc.ts';
import { isCancelled } from '../../ui/feedback/errors.ts';

const QUIET_MS = 250;

export interface PreflightState {
  /** The last answer; stale while `busy`. */
  readonly preflight: Readonly<Ref<Preflight | null>>;
  readonly busy: Readonly<Ref<boolean>>;
  readonly error: Readonly<Ref<unknown>>;
  /** Requests it again, e.g. after a measurement. */
  readonly refresh: () => void;
}

export function usePreflight(recipe: () => Recipe | null): PreflightState {
  const preflight = shallowRef<Preflight | null>(null);
  const busy = ref(false);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  async function ask(wanted: Recipe): Promise<void> {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    busy.value = true;
    try {
      const answer = await client.runs.preflight({ recipe: wanted }, { signal: mine.signal });
      if (mine.signal.aborted) return;
      preflight.value = answer;
      error.value = null;
    } catch (cause) {
      if (!mine.signal.aborted && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) busy.value = false;
    }
  }

  function refresh(): void {
    const wanted = recipe();
    if (wanted) void ask(wanted);
  }

  watchDebounced(() => JSON.stringify(recipe()), refresh, { debounce: QUIET_MS, immediate: true });
  onScopeDispose(() => running?.abort());
  return { preflight, busy, error, refresh };
}
