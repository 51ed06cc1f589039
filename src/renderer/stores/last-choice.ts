/**
 * A page whose address holds what was chosen: opened without an address it shows the last choice, or else a usual one. A
 * choice that is empty on purpose stays empty.
 */
import { useLocalStorage } from '@vueuse/core';
import { computed, watch, type WritableComputedRef } from 'vue';
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router';

interface ChoiceOptions {
  /** Names of the lists in the address: /compare?runs=a,b. */
  readonly keys: readonly string[];
  readonly storedAs: string;
  /** Whether runs and data sets are there to choose from. */
  readonly isLoaded: () => boolean;
  /** The last choice without what is gone; null: nothing usable is left of it. */
  readonly stillThere: (last: Choice) => Choice | null;
  /** Where there is no last choice. */
  readonly usual: () => Choice;
}

/** Ids by list. */
export type Choice = Readonly<Record<string, readonly string[]>>;

export function useLastChoice({ keys, storedAs, isLoaded, stillThere, usual }: ChoiceOptions) {
  const route = useRoute();
  const router = useRouter();
  const last = useLocalStorage<Choice>(storedAs, {});

  const read = (key: string): readonly string[] =>
    String(route.query[key] ?? '')
      .split(',')
      .filter(Boolean);

  function write(choice: Choice): void {
    const texts = Object.entries(choice).map(([key, ids]) => [key, ids.join(',')]);
    void router.replace({ query: { ...route.query, ...(Object.fromEntries(texts) as LocationQueryRaw) } });
  }

  const page = route.name;
  const isOpen = () => route.name === page;
  watch(
    () => isOpen() && isLoaded() && keys.every((key) => route.query[key] === undefined),
    (isUnsaid) => isUnsaid && write(stillThere(last.value) ?? usual()),
    { immediate: true },
  );
  watch(
    () => (isOpen() ? keys.map((key) => read(key).join(',')).join(' ') : ''),
    () => {
      if (isOpen() && keys.some((key) => read(key).length > 0))
        last.value = Object.fromEntries(keys.map((key) => [key, read(key)]));
    },
    { immediate: true },
  );

  function list(key: string): WritableComputedRef<readonly string[]> {
    return computed({ get: () => read(key), set: (ids) => write({ [key]: ids }) });
  }

  return { list };
}
