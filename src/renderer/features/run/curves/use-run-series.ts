/**
 * The per-step series of one run for its charts: an overview from the server, the live steps after it, and, where the
 * view is zoomed in further than the overview goes, a finer stretch fetched for it. Bounded memory whatever the run's
 * length. Not here: epochs, drawing.
 */
import { computed, onScopeDispose, shallowRef, type ComputedRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../../charts/chart-group.ts';
import { splice, type Points } from '../../../charts/data/columns.ts';
import { SeriesBuffer } from '../../../charts/data/series-buffer.ts';
import { client } from '../../../rpc.ts';
import { useFinerStretch, type Stretch } from './use-finer-stretch.ts';

/** Points of each column fetched for a whole run. */
const OVERVIEW_POINTS = 1200;
/** Delay of a reload after missed steps, by when main has written them: it writes at least once a second. */
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
  /** Points of the current `version`, with the finer stretch they contain. */
  const cache = new Map<StepColumn, { finer: Stretch | null; points: Points }>();

  function announce(): void {
    cache.clear();
    version.value += 1;
  }

  function fetchColumns(columns: StepColumn[], fromStep: number, toStep: number, maxPoints: number): Promise<Series> {
    return client.runs.series({ runId, columns, fromStep, toStep, maxPoints }, { signal: abort.signal });
  }

  const finer = useFinerStretch(buffer, group, fetchColumns, error);

  async function load(): Promise<void> {
    const series = await client.runs.series(
      { runId, columns: [...STEP_COLUMNS], fromStep: null, toStep: null, maxPoints: OVERVIEW_POINTS },
      { signal: abort.signal },
    );
    const { step, stepsPerPoint } = series;
    const last = step.length === 0 ? 0 : step[step.length - 1] + stepsPerPoint - 1;
    if (step.length > 0) buffer.seed(series, last);
    else buffer.clear();
    finer.clear();
    announce();
    void finer.refine();
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

  function build(column: StepColumn, stretch: Stretch | null): Points {
    const coarse = buffer.points(column);
    if (!stretch) return coarse;
    const { step, min, max, mean } = stretch.series;
    const points = { x: step, mean: mean[column], min: min[column], max: max[column] };
    return splice(coarse, points, step[0], stretch.range.max);
  }

  onScopeDispose(() => {
    clearTimeout(gapTimer);
    abort.abort();
  });

  return {
    points(column) {
      void version.value;
      const stretch = finer.of(column);
      const known = cache.get(column);
      if (known?.finer === stretch) return known.points;
      const made = build(column, stretch);
      cache.set(column, { finer: stretch, points: made });
      return made;
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
