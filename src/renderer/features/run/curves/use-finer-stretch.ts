/**
 * Where the view of a run's charts is zoomed in further than its overview goes: a finer stretch, fetched for it. A few
 * columns a frame, and one chart after another gets its own, so that no frame of a picture that moves is long. Not here:
 * the overview, live steps.
 */
import { useDebounceFn } from '@vueuse/core';
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { Series } from '#shared/contract/runs.ts';
import { TERMS } from '#shared/domain/models/terms.ts';
import type { StepColumn } from '#shared/domain/runs/training.ts';
import type { ChartGroup } from '../../../charts/chart-group.ts';
import { lowerBound } from '../../../charts/data/columns.ts';
import type { Range } from '../../../charts/scene.ts';
import type { SeriesBuffer } from '../../../charts/data/series-buffer.ts';
import { joinColumns } from './join-columns.ts';

/** Pixels a chart has across, about; a view with fewer points than this is worth a finer fetch. */
const VIEW_POINTS = 800;
/** How much finer than that a stretch is fetched, so that not every turn of the wheel asks for the next. */
const RESERVE = 1.5;
/** A finer stretch reaches this far beyond each edge of the view, in widths of it, so that panning does not wait. */
const MARGIN = 0.5;
const ZOOM_DEBOUNCE_MS = 120;
/** What is fetched and decoded in one frame. */
const COLUMNS_A_FRAME = 2;

/** Columns of one chart, which come into the picture together: those that are stacked have one x. */
const CHARTS: readonly (readonly StepColumn[])[] = [
  ['cosine', 'gradNorm', 'lr'],
  [...TERMS.map((term) => `value/${term}` as const), 'total'],
  TERMS.map((term) => `gradShare/${term}` as const),
  TERMS.map((term) => `share/${term}` as const),
];
const CHART_OF = new Map(CHARTS.flatMap((columns, chart) => columns.map((column) => [column, chart] as const)));

export interface Stretch {
  readonly range: Range;
  readonly series: Series;
}

export type FetchColumns = (
  columns: StepColumn[],
  fromStep: number,
  toStep: number,
  maxPoints: number,
) => Promise<Series>;

export interface FinerStretch {
  /** What there is for a column; call inside a computed. */
  readonly of: (column: StepColumn) => Stretch | null;
  /** Fetches what the view now needs, if anything. */
  readonly refine: () => Promise<void>;
  /** After the buffer was filled anew. */
  readonly clear: () => void;
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

export function useFinerStretch(
  buffer: SeriesBuffer,
  group: ChartGroup,
  fetchColumns: FetchColumns,
  error: ShallowRef<unknown>,
): FinerStretch {
  const stretches = CHARTS.map(() => shallowRef<Stretch | null>(null));
  /** What all columns have. */
  let whole: Stretch | null = null;
  let request = 0;
  onScopeDispose(() => (request += 1));

  /** Whether what is held draws the view as finely as the screen can show it. */
  function fineEnough(view: Range): boolean {
    const { x } = buffer.points('total');
    const inView = lowerBound(x, view.max) - lowerBound(x, view.min);
    if (inView >= VIEW_POINTS || inView >= view.max - view.min) return true;
    if (!whole || view.min < whole.range.min || view.max > whole.range.max) return false;
    const { stepsPerPoint } = whole.series;
    return stepsPerPoint === 1 || (view.max - view.min) / stepsPerPoint >= VIEW_POINTS;
  }

  async function refine(): Promise<void> {
    const view = group.zoomed.value;
    if (view === null || buffer.length === 0 || fineEnough(view)) return;
    request += 1;
    const mine = request;
    try {
      await fetchFor(view, () => mine === request);
      if (mine === request) error.value = null;
    } catch (cause) {
      if (mine === request) error.value = cause;
    }
  }

  async function fetchFor(view: Range, isWanted: () => boolean): Promise<void> {
    const width = view.max - view.min;
    const from = Math.max(0, Math.floor(view.min - MARGIN * width));
    const to = Math.ceil(view.max + MARGIN * width);
    const points = Math.round(RESERVE * VIEW_POINTS * (1 + 2 * MARGIN));
    whole = null;
    for (const [chart, columns] of CHARTS.entries()) {
      if (!isWanted()) return;
      const parts: Series[] = [];
      for (let i = 0; i < columns.length; i += COLUMNS_A_FRAME) {
        parts.push(await fetchColumns(columns.slice(i, i + COLUMNS_A_FRAME), from, to, points));
        await nextFrame();
        // A later zoom has asked for something else meanwhile.
        if (!isWanted()) return;
      }
      const series = joinColumns(parts);
      if (series === null) return void refineSoon();
      if (series.step.length === 0) return;
      const stretch = { range: { min: from, max: Math.min(to, buffer.lastStep) }, series };
      stretches[chart].value = stretch;
      if (chart === CHARTS.length - 1) whole = stretch;
      // This frame draws it.
      await nextFrame();
    }
  }

  const refineSoon = useDebounceFn(refine, ZOOM_DEBOUNCE_MS, { maxWait: 4 * ZOOM_DEBOUNCE_MS });
  watch(group.zoomed, () => void refineSoon());

  return {
    of: (column) => stretches[CHART_OF.get(column) ?? 0].value,
    refine,
    clear() {
      whole = null;
      for (const stretch of stretches) stretch.value = null;
    },
  };
}
