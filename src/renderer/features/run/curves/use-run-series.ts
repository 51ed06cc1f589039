/**
 * The per-step series of one run for its charts: an overview from main, the live steps after it, and a finer stretch
 * where the view is zoomed in (use-finer-stretch.ts). Memory is bounded for runs of any length. Not here: epochs, drawing.
 */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../../charts/chart-group.ts';
import { splice, type Points } from '../../../charts/data/columns.ts';
import { SeriesBuffer } from '../../../charts/data/series-buffer.ts';
import { client } from '../../../rpc.ts';
import { useFinerStretch } from './use-finer-stretch.ts';

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

export function useRunSeries(runId: string, group: ChartGroup): RunSeries {
  const buffer = new SeriesBuffer(STEP_COLUMNS);
  const version = shallowRef(0);
  const error = shallowRef<unknown>(null);
  const abort = new AbortController();
  let gapTimer = 0;
  /** Points of the current `version` and stretch. */
  const cache = new Map<StepColumn, Points>();

  function announce(): void {
    cache.clear();
    version.value += 1;
  }

  function fetchSeries(fromStep: number | null, toStep: number | null, maxPoints: number): Promise<Series> {
    const columns = [...STEP_COLUMNS];
    return client.runs.series({ runId, columns, fromStep, toStep, maxPoints }, { signal: abort.signal });
  }

  const { stretch, refine, clear } = useFinerStretch(buffer, group, fetchSeries, error);
  watch(stretch, announce, { flush: 'sync' });

  async function load(): Promise<void> {
    const series = await fetchSeries(null, null, OVERVIEW_POINTS);
    const { step, stepsPerPoint } = series;
    const last = step.length === 0 ? 0 : step[step.length - 1] + stepsPerPoint - 1;
    if (step.length > 0) buffer.seed(series, last);
    else buffer.clear();
    clear();
    announce();
    void refine();
  }

  function append(block: StepBlock): void {
    const gap = buffer.length > 0 && block.firstStep > buffer.lastStep + 1;
    buffer.append(block.firstStep, block.count, block.columns);
    if (gap && gapTimer === 0) {
      gapTimer = window.setTimeout(() => {
        gapTimer = 0;
        void load().catch((cause: unknown) => (error.value = cause));
      }, GAP_RETRY_MS);
    }
    announce();
  }

  function build(column: StepColumn): Points {
    const coarse = buffer.points(column);
    if (!stretch.value) return coarse;
    const { series, range } = stretch.value;
    const { step, min, max, mean } = series;
    const points = { x: step, mean: mean[column], min: min[column], max: max[column] };
    return splice(coarse, points, step[0], range.max);
  }

  onScopeDispose(() => {
    clearTimeout(gapTimer);
    abort.abort();
  });

  return {
    points(column) {
      void version.value;
      const points = cache.get(column) ?? build(column);
      cache.set(column, points);
      return points;
    },
    lastStep: computed(() => {
      void version.value;
      return Math.max(0, buffer.lastStep);
    }),
    load,
    append,
    error,
  };
}
