/** The runs as main last told of them, by id, kept current through `runs.changes`. Not here: what a page shows of them. */
import { createEventHook } from '@vueuse/core';
import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { RunChange, RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/run-kinds.ts';
import { client, follow } from '../../rpc.ts';
import { frames } from '../../ui/frame-queue.ts';

export function isLive(run: Pick<RunSummary, 'status'>): boolean {
  return !hasEnded(run.status);
}

export const useRunsStore = defineStore('runs', () => {
  const byId = shallowRef<ReadonlyMap<string, RunSummary>>(new Map());
  const loaded = shallowRef(false);
  const error = shallowRef<unknown>(null);

  /** Every change at once, before `byId` has it. */
  const heard = createEventHook<RunChange>();
  /**
   * The last word on each run since the last frame, null: deleted. A run that trains is told of several times a second,
   * and a window that is out of sight has no frames for hours.
   */
  const pending = new Map<string, RunSummary | null>();

  function applyPending(): void {
    const next = new Map(byId.value);
    for (const [id, run] of pending) {
      if (run === null) next.delete(id);
      else next.set(id, run);
    }
    pending.clear();
    byId.value = next;
  }

  async function load(): Promise<void> {
    const runs = await client.runs.list();
    byId.value = new Map(runs.map((run) => [run.id, run]));
    loaded.value = true;
    error.value = null;
  }

  follow((signal) => client.runs.changes(undefined, { signal }), {
    onStart: load,
    onEvent(change) {
      void heard.trigger(change);
      if (change.type === 'gate') return;
      if (change.type === 'deleted') pending.set(change.runId, null);
      else pending.set(change.run.id, change.run);
      frames.mount(applyPending);
    },
    onError(cause) {
      error.value = cause;
    },
  });

  const all = computed(() => [...byId.value.values()].toSorted((a, b) => b.number - a.number));
  const live = computed(() => all.value.filter(isLive));
  /** The run the sidebar and the dock speak of. */
  const current = computed(() => live.value.find((run) => run.status === 'running') ?? live.value[0] ?? null);

  return { byId, all, live, current, loaded, error, onChange: heard.on };
});
