/** Charts that the person has pinned: shown before the others, in the order of pinning, on every run. */
import { useLocalStorage } from '@vueuse/core';
import { computed } from 'vue';

export function usePinnedCharts<C extends { readonly id: string }>(charts: readonly C[]) {
  const pinned = useLocalStorage<readonly string[]>('nextvec-pinned-charts', []);

  function isPinned(id: string): boolean {
    return pinned.value.includes(id);
  }

  function setPinned(id: string, on: boolean): void {
    const others = pinned.value.filter((other) => other !== id);
    pinned.value = on ? [...others, id] : others;
  }

  const ordered = computed(() => {
    const first = pinned.value.flatMap((id) => charts.find((chart) => chart.id === id) ?? []);
    return [...first, ...charts.filter(({ id }) => !isPinned(id))];
  });

  return { ordered, isPinned, setPinned };
}
