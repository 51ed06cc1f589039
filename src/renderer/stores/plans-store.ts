/** The queue, kept up to date through `plans.watch`. Not here: what the page shows of it. */
import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { Queue, QueueItem } from '#shared/contract/plans.ts';
import { client, follow } from '../rpc.ts';
import { attempt } from '../ui/feedback/toasts.ts';

export const usePlansStore = defineStore('plans', () => {
  const queue = shallowRef<Queue | null>(null);
  const error = shallowRef<unknown>(null);

  follow((signal) => client.plans.watch(undefined, { signal }), {
    onEvent(next) {
      queue.value = next;
      error.value = null;
    },
    onError(cause) {
      error.value = cause;
    },
  });

  /** Newest first. */
  const plans = computed(() => (queue.value?.plans ?? []).toReversed());
  const items = computed(() => new Map(plans.value.flatMap((plan) => plan.items).map((item) => [item.id, item])));

  function move(itemId: number, beforeId: number | null): Promise<boolean> {
    return attempt('The queue was not reordered', () => client.plans.move({ itemId, beforeId }));
  }

  /** Moves an item one place up or down within its plan. */
  async function shift(item: QueueItem, by: -1 | 1): Promise<void> {
    const own = (queue.value?.order ?? []).filter((id) => items.value.get(id)?.planId === item.planId);
    const at = own.indexOf(item.id) + by;
    if (at < 0 || at >= own.length) return;
    await move(item.id, by < 0 ? own[at] : (own[at + 1] ?? null));
  }

  return { queue, error, plans, items, attempt, move, shift };
});
