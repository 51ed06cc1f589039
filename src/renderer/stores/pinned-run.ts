/**
 * The run pinned as baseline: Δ is taken against it in the table, on the page of a run and in comparisons. Intervals of the
 * differences are main's, paired over the articles; a run that was measured on other windows has none.
 */
import { useLocalStorage } from '@vueuse/core';
import { defineStore } from 'pinia';
import { computed, watch } from 'vue';
import type { RunSummary } from '#shared/contract/runs.ts';
import { isSameTask } from '#shared/domain/datasets/task.ts';
import type { Interval } from '#shared/domain/evaluation/interval.ts';
import { client } from '../rpc.ts';
import { useAnswer } from '../ui/feedback/use-answer.ts';
import { useRunsStore } from './runs-store.ts';

export type Rows = 'validation' | 'ood';

const COSINES = { validation: 'valCosine', ood: 'oodCosine' } as const;
/** Newest runs whose intervals are asked for: each takes a bootstrap. */
const MOST = 60;

/** Best cosine of a run minus that of another; null: not measured, or the runs have different tasks or OOD sets. */
export function cosineDelta(run: RunSummary, reference: RunSummary | null, rows: Rows): number | null {
  const [a, b] = [run.best?.[COSINES[rows]] ?? null, reference?.best?.[COSINES[rows]] ?? null];
  if (reference === null || reference.id === run.id || a === null || b === null) return null;
  // Another task has other figures, whatever the model.
  if (run.task === null || reference.task === null || !isSameTask(run.task, reference.task)) return null;
  if (rows === 'ood' && run.recipe.ood !== reference.recipe.ood) return null;
  return a - b;
}

type Intervals = ReadonlyMap<string, Readonly<Record<Rows, Interval | null>>>;

/** Of the difference of each other run to `runId`, by its id. */
async function readIntervals(runId: string, others: readonly string[], signal: AbortSignal): Promise<Intervals> {
  const { metrics } = await client.evaluation.compareRuns({ runIds: [runId, ...others] }, { signal });
  const of = (rows: Rows) => metrics.find(({ metric }) => metric === COSINES[rows])?.intervals ?? [];
  const [validation, ood] = [of('validation'), of('ood')];
  return new Map(others.map((other, i) => [other, { validation: validation[i + 1], ood: ood[i + 1] }]));
}

export const usePinnedRun = defineStore('pinned-run', () => {
  const runs = useRunsStore();
  const id = useLocalStorage('nextvec-pinned-run', '');
  const run = computed(() => runs.byId.get(id.value) ?? null);
  const { answer, ask, clear } = useAnswer<Intervals>();

  const compared = computed(() => {
    const pinned = run.value;
    if (pinned === null || pinned.best === null) return [];
    const others = runs.all.filter(
      ({ id: other, status, best }) => other !== pinned.id && status === 'finished' && best,
    );
    return others.slice(0, MOST).map((other) => other.id);
  });

  watch(
    () => [id.value, ...compared.value].join(' '),
    () => {
      clear();
      const others = compared.value;
      if (others.length > 0) void ask((signal) => readIntervals(id.value, others, signal));
    },
    { immediate: true },
  );

  function toggle(runId: string): void {
    id.value = id.value === runId ? '' : runId;
  }

  /** 95 % interval of a run's difference to the pinned one; null: not measured. */
  function interval(runId: string, rows: Rows): Interval | null {
    return answer.value?.get(runId)?.[rows] ?? null;
  }

  return { run, toggle, interval };
});
