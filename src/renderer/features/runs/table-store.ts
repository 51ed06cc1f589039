/**
 * View state of the runs table: columns, order, groups, filters, selection. The runs themselves are in runs-store.ts.
 */
import { useLocalStorage } from '@vueuse/core';
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { isPlanTag, SWEEP_TAG } from '#shared/domain/runs/run-kinds.ts';
import type { RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { recipeBrief } from '../../ui/text/recipe-brief.ts';
import { statusLabel } from '../../ui/text/run-status.ts';
import { usePinnedRun } from '../../stores/pinned-run.ts';
import { COLUMNS, COLUMN_IDS, DEFAULT_COLUMNS, type ColumnId, type RowContext } from './columns.ts';
import { groupWords } from './group-words.ts';
import { useRunsStore } from '../../stores/runs-store.ts';

export const GROUPINGS = ['none', 'model', 'dataset', 'sweep', 'status', 'tag'] as const;
export type Grouping = (typeof GROUPINGS)[number];

interface RunGroup {
  /** Empty for the one group of an ungrouped table. */
  readonly title: string;
  readonly runs: readonly RunSummary[];
}

/** A run, or the heading of the group that follows. */
export type TableRow = RunSummary | { readonly title: string; readonly count: number; readonly words: string };

interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

function matches(run: RunSummary, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { number, name, datasetName, oodName, tags, notes, recipe } = run;
  const model = MODEL_LABELS[recipe.modelType];
  const parts = [`#${number}`, name, statusLabel(run), model, datasetName, oodName, ...tags, notes];
  const text = [...parts, recipeBrief(recipe)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** An empty choice lets everything through. */
function allows(chosen: readonly string[], value: string): boolean {
  return chosen.length === 0 || chosen.includes(value);
}

function compareKeys(a: number | string | null, b: number | string | null, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = a < b ? -1 : a > b ? 1 : 0;
  return descending ? -order : order;
}

function groupTitle(run: RunSummary, grouping: Grouping): string {
  switch (grouping) {
    case 'none':
      return '';
    case 'model':
      return MODEL_LABELS[run.recipe.modelType];
    case 'dataset':
      return run.datasetName;
    case 'status':
      return statusLabel(run);
    case 'sweep':
      return sweepTitle(run);
    case 'tag':
      return run.tags[0] ?? 'No tag';
  }
}

/** By the plan of the sweep, which is among the run's tags. */
function sweepTitle({ tags }: RunSummary): string {
  const plan = tags.includes(SWEEP_TAG) ? tags.find(isPlanTag) : undefined;
  return plan === undefined ? 'No sweep' : `Sweep of ${plan}`;
}

export const useTableStore = defineStore('runs-table', () => {
  const runs = useRunsStore();
  const pinned = usePinnedRun();
  const visible = useLocalStorage<ColumnId[]>('nextvec-runs-columns', [...DEFAULT_COLUMNS]);
  const sort = useLocalStorage<Sort>('nextvec-runs-sort', { column: 'name', descending: true });
  const grouping = useLocalStorage<Grouping>('nextvec-runs-group', 'none');
  const query = ref('');
  const statuses = ref<RunStatus[]>([]);
  const models = ref<string[]>([]);
  const datasets = ref<string[]>([]);
  const selected = ref<ReadonlySet<string>>(new Set());
  const focused = ref<string | null>(null);

  const columns = computed(() => COLUMNS.filter((column) => visible.value.includes(column.id)));
  const filtering = computed(
    () => query.value.trim() !== '' || statuses.value.length + models.value.length + datasets.value.length > 0,
  );

  const selection = computed(() => runs.all.filter((run) => selected.value.has(run.id)));

  /** Δ is against the one selected run, else the pinned one, else the run before on the same data set. */
  const anchor = computed(() => (selection.value.length === 1 ? selection.value[0] : pinned.run));
  const before = computed(() => {
    const map = new Map<string, RunSummary>();
    const last = new Map<string, RunSummary>();
    for (const run of runs.all.toReversed()) {
      const previous = last.get(run.recipe.dataset);
      if (previous) map.set(run.id, previous);
      if (run.best) last.set(run.recipe.dataset, run);
    }
    return map;
  });

  /** What Δ of `run` is taken against. */
  function referenceOf(run: RunSummary): RunSummary | null {
    return anchor.value ?? before.value.get(run.id) ?? null;
  }

  function contextOf(run: RunSummary): RowContext {
    const reference = referenceOf(run);
    const isPinned = reference !== null && reference.id === pinned.run?.id;
    return { reference, deltaInterval: (rows) => (isPinned ? pinned.interval(run.id, rows) : null) };
  }

  const shown = computed(() => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = runs.all.filter(
      (run) =>
        allows(statuses.value, run.status) &&
        allows(models.value, run.recipe.modelType) &&
        allows(datasets.value, run.datasetName) &&
        matches(run, words),
    );
    const column = COLUMNS.find((c) => c.id === sort.value.column) ?? COLUMNS[0];
    const { descending } = sort.value;
    const keyed = found.map((run) => ({ run, key: column.sortKey(run, contextOf(run)) }));
    return keyed.toSorted((a, b) => compareKeys(a.key, b.key, descending)).map(({ run }) => run);
  });

  const groups = computed((): RunGroup[] => {
    const byTitle = Map.groupBy(shown.value, (run) => groupTitle(run, grouping.value));
    return [...byTitle].map(([title, members]) => ({ title, runs: members }));
  });
  /** Runs from top to bottom. */
  const order = computed(() => groups.value.flatMap((group) => group.runs));
  const rows = computed((): TableRow[] =>
    groups.value.flatMap(({ title, runs: members }) => [
      ...(title === '' ? [] : [{ title, count: members.length, words: groupWords(members) }]),
      ...members,
    ]),
  );

  function sortBy(column: ColumnId): void {
    const numeric = COLUMNS.find((c) => c.id === column)?.numeric ?? false;
    const same = sort.value.column === column;
    sort.value = { column, descending: same ? !sort.value.descending : numeric };
  }

  function toggleColumn(id: ColumnId): void {
    const has = visible.value.includes(id);
    visible.value = COLUMN_IDS.filter((c) => (c === id ? !has : visible.value.includes(c)));
  }

  function select(ids: Iterable<string>): void {
    selected.value = new Set(ids);
  }

  function toggle(id: string): void {
    const next = new Set(selected.value);
    if (!next.delete(id)) next.add(id);
    selected.value = next;
  }

  function clearFilters(): void {
    query.value = '';
    statuses.value = [];
    models.value = [];
    datasets.value = [];
  }

  return {
    visible,
    sort,
    grouping,
    query,
    statuses,
    models,
    datasets,
    selected,
    focused,
    columns,
    filtering,
    selection,
    anchor,
    shown,
    rows,
    order,
    contextOf,
    sortBy,
    toggleColumn,
    select,
    toggle,
    clearFilters,
  };
});
