/**
 * The choice that a page holds in its address. Opened without one, the page shows the last choice, or else the usual one. A
 * choice that was emptied stays empty.
 */
import { useLocalStorage } from '@vueuse/core';
import { computed, watch, type WritableComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

interface ChoiceOptions {
  /** Names of the lists in the address: /compare?runs=a,b. */
  readonly keys: readonly string[];
  readonly storedAs: string;
  /** Whether the lists of runs and data sets were read. */
  readonly isLoaded: () => boolean;
  /** The last choice without what was deleted since; null: too little is left of it. */
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
    const texts = Object.entries(choice).map(([key, ids]) => [key, ids.join(',')] as const);
    void router.replace({ query: { ...route.query, ...Object.fromEntries(texts) } });
  }

  const page = route.name;
  const isOpen = () => route.name === page;
  watch(
    () => isOpen() && isLoaded() && keys.every((key) => route.query[key] === undefined),
    (hasNoChoice) => hasNoChoice && write(stillThere(last.value) ?? usual()),
    { immediate: true },
  );
  watch(
    () => (isOpen() ? keys.map((key) => [key, read(key)] as const) : []),
    (lists) => {
      if (lists.some(([, ids]) => ids.length > 0)) last.value = Object.fromEntries(lists);
    },
    { immediate: true },
  );

  function list(key: string): WritableComputedRef<readonly string[]> {
    return computed({ get: () => read(key), set: (ids) => write({ [key]: ids }) });
  }

  return { list };
}
