/** Charts that the person has pinned: shown before the others, in the order of pinning, every time the page is open. */
import { useLocalStorage } from '@vueuse/core';
import { computed, toValue, type MaybeRefOrGetter } from 'vue';

export function usePinnedCharts<C extends { readonly id: string }>(
  charts: MaybeRefOrGetter<readonly C[]>,
  storedAs: string,
) {
  const pinned = useLocalStorage<readonly string[]>(storedAs, []);

  function isPinned(id: string): boolean {
    return pinned.value.includes(id);
  }

  function setPinned(id: string, on: boolean): void {
    const others = pinned.value.filter((other) => other !== id);
    pinned.value = on ? [...others, id] : others;
  }

  const ordered = computed(() => {
    const all = toValue(charts);
    const first = pinned.value.flatMap((id) => all.find((chart) => chart.id === id) ?? []);
    return [...first, ...all.filter(({ id }) => !isPinned(id))];
  });

  return { ordered, isPinned, setPinned };
}
