/** Preflight of the edited recipe: requested a moment after the last change. */
import { watchDebounced } from '@vueuse/core';
import type { Preflight } from '#shared/contract/runs.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { client } from '../../rpc.ts';
import { useAnswer } from '../../ui/feedback/use-answer.ts';

const QUIET_MS = 250;

/** `refresh` requests it again, e.g. after a measurement. */
export function usePreflight(recipe: () => Recipe | null) {
  const { answer: preflight, busy, error, ask } = useAnswer<Preflight>();

  function refresh(): void {
    const wanted = recipe();
    if (wanted) void ask((signal) => client.runs.preflight({ recipe: wanted }, { signal }));
  }

  watchDebounced(() => JSON.stringify(recipe()), refresh, { debounce: QUIET_MS, immediate: true });
  return { preflight, busy, error, refresh };
}
