/** State shared by all charts of a run: the x range, the cursor and the unit of x. */
import { useDebounceFn } from '@vueuse/core';
import { readonly, shallowRef, type ShallowRef } from 'vue';
import type { Range } from './drawing/scene.ts';
import type { XAxisMode } from './drawing/ticks.ts';

/** Narrowest zoom, steps. */
const MIN_WIDTH = 4;
/** The view counts as moving until it has not changed for this long. */
const REST_MS = 150;

export interface ChartGroup {
  /** Key of uPlot's cursor synchronisation. */
  readonly key: string;
  /** The x range zoomed to; null: the whole extent. */
  readonly zoomed: Readonly<ShallowRef<Range | null>>;
  /** The x range of the data. */
  readonly extent: Readonly<ShallowRef<Range>>;
  readonly axis: ShallowRef<XAxisMode>;
  /** True while the view is zoomed or panned, until it has rested. Legend figures and dots are not updated meanwhile. */
  readonly moving: Readonly<ShallowRef<boolean>>;
  view(): Range;
  zoomTo(range: Range): void;
  /** Factor below 1 zooms in, around `at`. */
  zoomBy(factor: number, at: number): void;
  /** Moves the view by `delta` in x. */
  pan(delta: number): void;
  reset(): void;
  /** New extent of the data; a zoom that reaches the end of the old one keeps its width and follows the end. */
  setExtent(range: Range): void;
}

/** A range within the whole, not narrower than MIN_WIDTH; null: all of it. */
function within(range: Range, whole: Range): Range | null {
  const width = Math.min(Math.max(range.max - range.min, MIN_WIDTH), whole.max - whole.min);
  if (width >= whole.max - whole.min) return null;
  const min = Math.max(whole.min, Math.min((range.min + range.max - width) / 2, whole.max - width));
  return { min, max: min + width };
}

function scaled({ min, max }: Range, factor: number, at: number): Range {
  return { min: at - (at - min) * factor, max: at + (max - at) * factor };
}

function moved({ min, max }: Range, delta: number): Range {
  return { min: min + delta, max: max + delta };
}

/** Where a zoom goes when the extent grows from `before` to `after`: one that reached the end stays at the end. */
function followed(zoomed: Range | null, before: Range, after: Range): Range | null {
  if (zoomed === null || zoomed.max < before.max || after.max <= before.max) return zoomed;
  return moved(zoomed, after.max - before.max);
}

let groups = 0;

export function createChartGroup(): ChartGroup {
  const zoomed = shallowRef<Range | null>(null);
  const extent = shallowRef<Range>({ min: 0, max: 1 });
  const moving = shallowRef(false);
  const restSoon = useDebounceFn(() => (moving.value = false), REST_MS);
  groups += 1;

  function show(range: Range | null): void {
    moving.value = true;
    zoomed.value = range;
    void restSoon();
  }

  function zoomTo(range: Range): void {
    show(within(range, extent.value));
  }

  const view = () => zoomed.value ?? extent.value;

  return {
    key: `charts-${groups}`,
    zoomed: readonly(zoomed),
    extent: readonly(extent),
    axis: shallowRef<XAxisMode>({ unit: 'step', stepsPerEpoch: 1 }),
    moving: readonly(moving),
    view,
    zoomTo,
    zoomBy: (factor, at) => zoomTo(scaled(view(), factor, at)),
    pan(delta) {
      if (zoomed.value !== null) zoomTo(moved(zoomed.value, delta));
    },
    reset: () => show(null),
    setExtent(range) {
      const before = extent.value;
      if (before.min === range.min && before.max === range.max) return;
      extent.value = range;
      zoomed.value = followed(zoomed.value, before, range);
    },
  };
}
