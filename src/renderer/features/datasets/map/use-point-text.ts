/** The text of the vector pointed at, read once the pointer rests. */
import { watchDebounced } from '@vueuse/core';
import { computed, type ComputedRef, type Ref } from 'vue';
import type { Place } from '#shared/contract/places.ts';
import { client } from '../../../rpc.ts';
import { useAnswer } from '../../../ui/feedback/use-answer.ts';

const REST_MS = 60;

/** null: the vector has no text, or it is not read yet. */
export function usePointText(datasetId: string, vector: Readonly<Ref<number | null>>): ComputedRef<string | null> {
  const { answer, ask, cancel } = useAnswer<Place[]>();
  watchDebounced(
    vector,
    (first) => {
      if (first === null) cancel();
      else void ask((signal) => client.datasets.texts({ id: datasetId, first, count: 1 }, { signal }));
    },
    { debounce: REST_MS },
  );
  return computed(() => answer.value?.find((place) => place.vector === vector.value)?.text ?? null);
}
