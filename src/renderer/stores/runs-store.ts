/** All runs by id, kept current through the event stream `runs.changes`. Filters and sorting: features/runs. */
import { createEventHook } from '@vueuse/core';
import { defineStore } from 'pinia';
import { computed, shallowRef, type ShallowRef } from 'vue';
import type { RunChange, RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { client, follow } from '../rpc.ts';
import { frames } from '../ui/frame-queue.ts';

export function isLive(run: Pick<RunSummary, 'status'>): boolean {
  return !hasEnded(run.status);
}

/** Whether the run has weights to predict with. */
export function canPredict(run: Pick<RunSummary, 'best' | 'imported'>): boolean {
  return run.best !== null || run.imported?.golden != null;
}

/** Collects changes and applies them to `byId` once a frame; returns what takes a change. */
function applyEachFrame(byId: ShallowRef<ReadonlyMap<string, RunSummary>>): (change: RunChange) => void {
  /** The newest summary of each run, null: deleted. Keyed by run, so that it stays small in a hidden window, which gets no frames. */
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

  return (change) => {
    if (change.type === 'gate') return;
    if (change.type === 'deleted') pending.set(change.runId, null);
    else pending.set(change.run.id, change.run);
    frames.add(applyPending);
  };
}

export const useRunsStore = defineStore('runs', () => {
  const byId = shallowRef<ReadonlyMap<string, RunSummary>>(new Map());
  const loaded = shallowRef(false);
  const error = shallowRef<unknown>(null);
  const take = applyEachFrame(byId);
  /** Triggered for every change on arrival, before `byId` is updated. */
  const heard = createEventHook<RunChange>();

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
      take(change);
    },
    onError(cause) {
      error.value = cause;
    },
  });

  const all = computed(() => [...byId.value.values()].toSorted((a, b) => b.number - a.number));
  const live = computed(() => all.value.filter(isLive));

  /** The run of this id or number ("7", "#7"), as command lines name runs; undefined: there is none. */
  function find(handle: string): RunSummary | undefined {
    const number = /^#?(\d{1,9})$/.exec(handle)?.[1];
    return byId.value.get(handle) ?? all.value.find((run) => run.number === Number(number));
  }

  /** The newest run that trains, else the newest that waits or is paused. */
  const current = computed(() => live.value.find((run) => run.status === 'running') ?? live.value[0] ?? null);

  return { byId, all, live, find, current, loaded, error, onChange: heard.on };
});
