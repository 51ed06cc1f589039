/** View state of the runs table: columns, order, selection, and what Δ is taken against. The runs themselves are in runs-store.ts. */
import { useLocalStorage } from '@vueuse/core';
import { defineStore } from 'pinia';
import { computed, ref, type ComputedRef } from 'vue';
import type { RunSummary } from '#shared/contract/runs.ts';
import { usePinnedRun } from '../../stores/pinned-run.ts';
import { useRunsStore } from '../../stores/runs-store.ts';
import { COLUMNS, COLUMN_IDS, DEFAULT_COLUMNS, type ColumnId, type RowContext } from './columns.ts';
import { useRunFilter } from './run-filter.ts';
import { grouped, tableRows, type Grouping } from './run-groups.ts';

interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

function compareKeys(a: number | string | null, b: number | string | null, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = a < b ? -1 : a > b ? 1 : 0;
  return descending ? -order : order;
}

function sorted(
  runs: readonly RunSummary[],
  { column: id, descending }: Sort,
  contextOf: (run: RunSummary) => RowContext,
): RunSummary[] {
  const column = COLUMNS.find((c) => c.id === id) ?? COLUMNS[0];
  const keyed = runs.map((run) => ({ run, key: column.sortKey(run, contextOf(run)) }));
  return keyed.toSorted((a, b) => compareKeys(a.key, b.key, descending)).map(({ run }) => run);
}

/** For each run the one before it on the same data set that has a best checkpoint. `runs`: newest first. */
function predecessors(runs: readonly RunSummary[]): ReadonlyMap<string, RunSummary> {
  const before = new Map<string, RunSummary>();
  const last = new Map<string, RunSummary>();
  for (const run of runs.toReversed()) {
    const previous = last.get(run.recipe.dataset);
    if (previous) before.set(run.id, previous);
    if (run.best) last.set(run.recipe.dataset, run);
  }
  return before;
}

/** Δ is against the one selected run, else the pinned one, else the run before on the same data set. */
function useDeltaReference(selection: ComputedRef<readonly RunSummary[]>) {
  const runs = useRunsStore();
  const pinned = usePinnedRun();
  const anchor = computed(() => (selection.value.length === 1 ? selection.value[0] : pinned.run));
  const before = computed(() => predecessors(runs.all));

  function contextOf(run: RunSummary): RowContext {
    const reference = anchor.value ?? before.value.get(run.id) ?? null;
    const isPinned = reference !== null && reference.id === pinned.run?.id;
    return { reference, deltaInterval: (rows) => (isPinned ? pinned.interval(run.id, rows) : null) };
  }

  return { anchor, contextOf };
}

/** The visible columns, and the one that orders the rows. */
function useColumns() {
  const visible = useLocalStorage<ColumnId[]>('nextvec-runs-columns', [...DEFAULT_COLUMNS]);
  const sort = useLocalStorage<Sort>('nextvec-runs-sort', { column: 'name', descending: true });
  const columns = computed(() => COLUMNS.filter((column) => visible.value.includes(column.id)));

  function sortBy(column: ColumnId): void {
    const numeric = COLUMNS.find((c) => c.id === column)?.numeric ?? false;
    const same = sort.value.column === column;
    sort.value = { column, descending: same ? !sort.value.descending : numeric };
  }

  function toggleColumn(id: ColumnId): void {
    const has = visible.value.includes(id);
    visible.value = COLUMN_IDS.filter((c) => (c === id ? !has : visible.value.includes(c)));
  }

  return { visible, sort, columns, sortBy, toggleColumn };
}

export const useTableStore = defineStore('runs-table', () => {
  const runs = useRunsStore();
  const grouping = useLocalStorage<Grouping>('nextvec-runs-group', 'none');
  const columns = useColumns();
  const { filtered, ...filter } = useRunFilter();
  const selected = ref<ReadonlySet<string>>(new Set());
  const focused = ref<string | null>(null);
  const selection = computed(() => runs.all.filter((run) => selected.value.has(run.id)));
  const delta = useDeltaReference(selection);
  const shown = computed(() => sorted(filtered(runs.all), columns.sort.value, delta.contextOf));
  const groups = computed(() => grouped(shown.value, grouping.value));
  /** Runs from top to bottom. */
  const order = computed(() => groups.value.flatMap((group) => group.runs));
  const rows = computed(() => tableRows(groups.value));

  function select(ids: Iterable<string>): void {
    selected.value = new Set(ids);
  }

  function toggle(id: string): void {
    const next = new Set(selected.value);
    if (!next.delete(id)) next.add(id);
    selected.value = next;
  }

  return {
    ...columns,
    ...filter,
    ...delta,
    grouping,
    selected,
    focused,
    selection,
    shown,
    rows,
    order,
    select,
    toggle,
  };
});
