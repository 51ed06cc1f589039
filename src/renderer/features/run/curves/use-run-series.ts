/**
 * The per-step series of one run for its charts: an overview from main, the live steps after it, and a finer stretch
 * where the view is zoomed in (use-finer-stretch.ts). Memory is bounded for runs of any length. Not here: epochs, drawing.
 */
import { useTimeoutFn } from '@vueuse/core';
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../../charts/chart-group.ts';
import { columnPoints, splice, type Points } from '../../../charts/data/columns.ts';
import { SeriesBuffer } from '../../../charts/data/series-buffer.ts';
import { client } from '../../../rpc.ts';
import { useFinerStretch, type FinerStretch, type Stretch } from './use-finer-stretch.ts';

/** Points of each column fetched for a whole run. */
const OVERVIEW_POINTS = 1200;
/** Delay of a reload after missed steps. Main writes at least once a second, so they are in the history by then. */
const GAP_RETRY_MS = 1500;

export interface RunSeries {
  /** The points of a column; call inside a computed. */
  readonly points: (column: StepColumn) => Points;
  readonly lastStep: ComputedRef<number>;
  /** Fetches the overview. */
  readonly load: () => Promise<void>;
  /** Adds live steps. */
  readonly append: (block: StepBlock) => void;
  /** A finer stretch could not be fetched; the coarse one stays. */
  readonly error: Readonly<{ value: unknown }>;
}

/** The coarse points of a column, with those of the stretch in their place. */
function refined(coarse: Points, stretch: Stretch | null, column: StepColumn): Points {
  if (!stretch) return coarse;
  const { series, range } = stretch;
  return splice(coarse, columnPoints(series, column), series.step[0], range.max);
}

/** The points of buffer and stretch, spliced once for each change of these; `announce` says that the buffer has changed. */
function usePoints(buffer: SeriesBuffer, stretch: FinerStretch['stretch']) {
  const version = shallowRef(0);
  /** Points of the current `version` and stretch. */
  const cache = new Map<StepColumn, Points>();

  function announce(): void {
    cache.clear();
    version.value += 1;
  }
  watch(stretch, announce, { flush: 'sync' });

  function points(column: StepColumn): Points {
    void version.value;
    const built = cache.get(column) ?? refined(buffer.points(column), stretch.value, column);
    cache.set(column, built);
    return built;
  }

  const lastStep = computed(() => {
    void version.value;
    return Math.max(0, buffer.lastStep);
  });

  return { points, lastStep, announce };
}

export function useRunSeries(runId: string, group: ChartGroup): RunSeries {
  const buffer = new SeriesBuffer(STEP_COLUMNS);
  const error = shallowRef<unknown>(null);
  const abort = new AbortController();

  function fetchSeries(fromStep: number | null, toStep: number | null, maxPoints: number): Promise<Series> {
    const columns = [...STEP_COLUMNS];
    return client.runs.series({ runId, columns, fromStep, toStep, maxPoints }, { signal: abort.signal });
  }

  const { stretch, refine, clear } = useFinerStretch(buffer, group, fetchSeries, error);
  const { points, lastStep, announce } = usePoints(buffer, stretch);

  async function load(): Promise<void> {
    const series = await fetchSeries(null, null, OVERVIEW_POINTS);
    const { step, stepsPerPoint } = series;
    if (step.length > 0) buffer.seed(series, step[step.length - 1] + stepsPerPoint - 1);
    else buffer.clear();
    clear();
    announce();
    void refine();
  }

  const reloading = useTimeoutFn(() => void load().catch((cause: unknown) => (error.value = cause)), GAP_RETRY_MS, {
    immediate: false,
  });

  function append(block: StepBlock): void {
    const gap = buffer.length > 0 && block.firstStep > buffer.lastStep + 1;
    buffer.append(block.firstStep, block.count, block.columns);
    if (gap && !reloading.isPending.value) reloading.start();
    announce();
  }

  onScopeDispose(() => abort.abort());

  return { points, lastStep, load, append, error };
}
