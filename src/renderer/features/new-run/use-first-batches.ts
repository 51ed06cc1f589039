/**
 * The loss balance of the recipe on its first batches. Measured automatically a moment after the last change of a
 * recipe with several terms, unless a run is training; otherwise on request. Main caches the result.
 */
import { onScopeDispose, watch, type Ref } from 'vue';
import type { Preflight } from '#shared/contract/runs.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import { isFitted } from '../../stores/model-fields.ts';
import { client } from '../../rpc.ts';
import { useWork, type Work } from '../../ui/feedback/use-work.ts';

const QUIET_MS = 600;

export interface FirstBatchesOptions {
  readonly recipe: () => Recipe | null;
  readonly preflight: Readonly<Ref<Preflight | null>>;
  /** Requests a preflight that includes the measurement. */
  readonly refresh: () => void;
  readonly isTraining: () => boolean;
}

export function useFirstBatches(options: FirstBatchesOptions): Work & { readonly measure: () => void } {
  const { recipe, preflight, refresh, isTraining } = options;
  const work = useWork();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function measure(): void {
    const wanted = recipe();
    if (wanted) void work.start((signal) => client.evaluation.firstBatches({ recipe: wanted }, { signal }), refresh);
  }

  function isWorthwhile(): boolean {
    const wanted = recipe();
    if (wanted === null || isFitted(wanted.modelType)) return false;
    const trained = TERMS.filter((term) => wanted.lambda[term] > 0).length;
    return trained > 1 && preflight.value !== null && preflight.value.firstBatches === null && !isTraining();
  }

  watch(
    () => JSON.stringify(recipe()),
    () => {
      clearTimeout(timer);
      work.cancel();
    },
  );
  watch(
    preflight,
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => isWorthwhile() && measure(), QUIET_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => clearTimeout(timer));
  return { ...work, measure };
}
