/**
 * A finer stretch of a run's series where its charts are zoomed in further than the overview resolves, fetched once the
 * view rests. Not here: the overview, live steps.
 */
import { useDebounceFn } from '@vueuse/core';
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import type { ChartGroup } from '../../../charts/chart-group.ts';
import { lowerBound } from '../../../charts/data/columns.ts';
import type { Range } from '../../../charts/drawing/scene.ts';
import type { SeriesBuffer } from '../../../charts/data/series-buffer.ts';

/** A view with fewer points than this is worth a finer fetch: about the width of a chart in pixels. */
const VIEW_POINTS = 800;
/** Points fetched for each point needed, so that further zooming does not fetch at once. */
const RESERVE = 1.5;
/** A stretch reaches this many widths of the view beyond each of its edges, so that panning does not fetch at once. */
const MARGIN = 0.5;
const ZOOM_DEBOUNCE_MS = 120;

export interface Stretch {
  readonly range: Range;
  readonly series: Series;
}

export type FetchSeries = (fromStep: number, toStep: number, maxPoints: number) => Promise<Series>;

export interface FinerStretch {
  readonly stretch: Readonly<ShallowRef<Stretch | null>>;
  /** Fetches a stretch for the current view if it needs one. */
  readonly refine: () => Promise<void>;
  /** Drops the stretch, after the buffer was filled anew. */
  readonly clear: () => void;
}

/** Whether the points held draw the view as finely as the screen can show it. */
function isFineEnough(view: Range, buffer: SeriesBuffer, stretch: Stretch | null): boolean {
  const { x } = buffer.points('total');
  const inView = lowerBound(x, view.max) - lowerBound(x, view.min);
  if (inView >= VIEW_POINTS || inView >= view.max - view.min) return true;
  if (!stretch || view.min < stretch.range.min || view.max > stretch.range.max) return false;
  const { stepsPerPoint } = stretch.series;
  return stepsPerPoint === 1 || (view.max - view.min) / stepsPerPoint >= VIEW_POINTS;
}

export function useFinerStretch(
  buffer: SeriesBuffer,
  group: ChartGroup,
  fetchSeries: FetchSeries,
  error: ShallowRef<unknown>,
): FinerStretch {
  const stretch = shallowRef<Stretch | null>(null);
  let request = 0;
  onScopeDispose(() => (request += 1));

  async function refine(): Promise<void> {
    const view = group.zoomed.value;
    if (view === null || buffer.length === 0 || isFineEnough(view, buffer, stretch.value)) return;
    const mine = ++request;
    const width = view.max - view.min;
    const from = Math.max(0, Math.floor(view.min - MARGIN * width));
    const to = Math.ceil(view.max + MARGIN * width);
    try {
      const series = await fetchSeries(from, to, Math.round(RESERVE * VIEW_POINTS * (1 + 2 * MARGIN)));
      // A later zoom has requested another stretch meanwhile.
      if (mine !== request) return;
      error.value = null;
      if (series.step.length > 0) stretch.value = { range: { min: from, max: Math.min(to, buffer.lastStep) }, series };
    } catch (cause) {
      if (mine === request) error.value = cause;
    }
  }

  const refineSoon = useDebounceFn(refine, ZOOM_DEBOUNCE_MS, { maxWait: 4 * ZOOM_DEBOUNCE_MS });
  watch(group.zoomed, () => void refineSoon());
  return { stretch, refine, clear: () => (stretch.value = null) };
}
