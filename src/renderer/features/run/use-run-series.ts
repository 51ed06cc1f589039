/**
 * The per-step series of one run for its charts: an overview from the server, the live steps after it, and, where the
 * view is zoomed in further than the overview goes, a finer stretch fetched for it. Bounded memory whatever the run's
 * length. Changes are announced once per animation frame. Not here: epochs, drawing.
 */
import { useDebounceFn } from '@vueuse/core';
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import { STEP_COLUMNS, type StepBlock, type StepColumn } from '#shared/domain/training.ts';
import type { ChartGroup } from '../../charts/chart-group.ts';
import { lowerBound, splice, type Points } from '../../charts/columns.ts';
import { joinColumns } from './join-columns.ts';
import type { Range } from '../../charts/scene.ts';
import { SeriesBuffer } from '../../charts/series-buffer.ts';
import { client } from '../../rpc.ts';
import { fetchOverview, takeAhead } from './overview.ts';

/** Pixels a chart has across, about; a view with fewer points than this is worth a finer fetch. */
const VIEW_POINTS = 800;
/** A finer stretch reaches this far beyond each edge of the view, in widths of it, so that panning does not wait. */
const MARGIN = 0.5;
const ZOOM_DEBOUNCE_MS = 120;
const DETAIL_PARTS = 4;
/** Main writes steps at least once a second; a stretch it had not yet written is asked for after that. */
const GAP_RETRY_MS = 1500;

interface Detail {
  readonly range: Range;
  readonly series: Series;
}

export interface RunSeries {
  /** The points of a column; call inside a computed. */
  readonly points: (column: StepColumn) => Points;
  readonly lastStep: ComputedRef<number>;
  /** `early`: what the router asked for ahead will do. */
  readonly load: (early?: boolean) => Promise<void>;
  readonly append: (block: StepBlock) => void;
  /** A finer stretch could not be fetched; the coarse one stays. */
  readonly error: Readonly<{ value: unknown }>;
}

export function useRunSeries(runId: string, group: ChartGroup): RunSeries {
  const buffer = new SeriesBuffer(STEP_COLUMNS);
  const version = shallowRef(0);
  const detail = shallowRef<Detail | null>(null);
  const error = shallowRef<unknown>(null);
  const abort = new AbortController();
  let frame = 0;
  let gapTimer = 0;
  let request = 0;
  let cache = new Map<StepColumn, Points>();

  function announce(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    cache = new Map();
    version.value += 1;
  }

  function changed(): void {
    if (frame === 0) frame = requestAnimationFrame(announce);
  }

  function fetchColumns(columns: StepColumn[], fromStep: number, toStep: number, maxPoints: number): Promise<Series> {
    return client.runs.series({ runId, columns, fromStep, toStep, maxPoints }, { signal: abort.signal });
  }

  /** In parts, one after another, each decoded within a frame of a picture that moves. */
  async function fetchDetail(fromStep: number, toStep: number, maxPoints: number): Promise<Series | null> {
    const mine = request;
    const isWanted = () => mine === request;
    const size = Math.ceil(STEP_COLUMNS.length / DETAIL_PARTS);
    const parts: Series[] = [];
    for (let i = 0; i < DETAIL_PARTS && isWanted(); i++) {
      parts.push(await fetchColumns(STEP_COLUMNS.slice(i * size, (i + 1) * size), fromStep, toStep, maxPoints));
    }
    return joinColumns(parts);
  }

  async function load(early = false): Promise<void> {
    const series = await ((early ? takeAhead(runId) : null) ?? fetchOverview(runId, abort.signal));
    const { step, stepsPerPoint } = series;
    const last = step.length === 0 ? 0 : step[step.length - 1] + stepsPerPoint - 1;
    if (step.length > 0) buffer.seed(series, last);
    else buffer.clear();
    detail.value = null;
    // At once, so that it is drawn in the very next frame.
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
    changed();
  }

  /** Whether what is held draws the view as finely as the screen can show it. */
  function fineEnough(view: Range): boolean {
    const { x } = buffer.points('total');
    const inView = lowerBound(x, view.max) - lowerBound(x, view.min);
    if (inView >= VIEW_POINTS || inView >= view.max - view.min) return true;
    const known = detail.value;
    if (!known || view.min < known.range.min || view.max > known.range.max) return false;
    const { stepsPerPoint } = known.series;
    return stepsPerPoint === 1 || (view.max - view.min) / stepsPerPoint >= VIEW_POINTS;
  }

  async function refine(): Promise<void> {
    const view = group.zoomed.value;
    if (view === null || buffer.length === 0 || fineEnough(view)) return;
    const width = view.max - view.min;
    const from = Math.max(0, Math.floor(view.min - MARGIN * width));
    const to = Math.ceil(view.max + MARGIN * width);
    request += 1;
    const mine = request;
    try {
      const series = await fetchDetail(from, to, Math.round(2 * VIEW_POINTS * (1 + 2 * MARGIN)));
      // A later zoom has asked for something else meanwhile.
      if (mine !== request) return;
      if (series === null) return void refineSoon();
      if (series.step.length === 0) return;
      detail.value = { range: { min: from, max: Math.min(to, buffer.lastStep) }, series };
      error.value = null;
      changed();
    } catch (cause) {
      if (mine === request && !abort.signal.aborted) error.value = cause;
    }
  }

  const refineSoon = useDebounceFn(refine, ZOOM_DEBOUNCE_MS, { maxWait: 4 * ZOOM_DEBOUNCE_MS });
  watch(group.zoomed, () => void refineSoon());

  function build(column: StepColumn): Points {
    const coarse = buffer.points(column);
    const fine = detail.value;
    if (!fine) return coarse;
    const { step, min, max, mean } = fine.series;
    const points = { x: step, mean: mean[column], min: min[column], max: max[column] };
    return splice(coarse, points, step[0], fine.range.max);
  }

  onScopeDispose(() => {
    cancelAnimationFrame(frame);
    clearTimeout(gapTimer);
    abort.abort();
  });

  return {
    points(column) {
      void version.value;
      const known = cache.get(column) ?? build(column);
      cache.set(column, known);
      return known;
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
