/** Charts that show one run belong together: one stretch of x on all of them, one cursor, one reading of x. */
import { useDebounceFn } from '@vueuse/core';
import { readonly, shallowRef, type ShallowRef } from 'vue';
import { Pace, REST_MS } from './pace.ts';
import type { Range } from './scene.ts';
import type { XAxisMode } from './ticks.ts';

/** Nobody needs fewer steps on a screen. */
const MIN_WIDTH = 4;

export interface ChartGroup {
  /** Key of uPlot's cursor synchronisation. */
  readonly key: string;
  /** The stretch that is zoomed to; null: everything. */
  readonly zoomed: Readonly<ShallowRef<Range | null>>;
  /** Everything there is. */
  readonly extent: Readonly<ShallowRef<Range>>;
  readonly axis: ShallowRef<XAxisMode>;
  readonly pace: Pace;
  /** Somebody zooms or pans, or did so just now. What only matters to a picture that rests can wait for its end. */
  readonly moving: Readonly<ShallowRef<boolean>>;
  view(): Range;
  zoomTo(range: Range): void;
  /** Factor below 1 zooms in, around `at`. */
  zoomBy(factor: number, at: number): void;
  /** Moves the view by `delta` in x. */
  pan(delta: number): void;
  reset(): void;
  /** New data: a view that reaches the end goes along with it. */
  setExtent(range: Range): void;
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
    const whole = extent.value;
    const width = Math.min(Math.max(range.max - range.min, MIN_WIDTH), whole.max - whole.min);
    const min = Math.max(whole.min, Math.min((range.min + range.max - width) / 2, whole.max - width));
    show(width >= whole.max - whole.min ? null : { min, max: min + width });
  }

  const view = () => zoomed.value ?? extent.value;

  return {
    key: `charts-${groups}`,
    zoomed: readonly(zoomed),
    extent: readonly(extent),
    axis: shallowRef<XAxisMode>({ unit: 'step', stepsPerEpoch: 1 }),
    pace: new Pace(),
    moving: readonly(moving),
    view,
    zoomTo,
    zoomBy(factor, at) {
      const { min, max } = view();
      zoomTo({ min: at - (at - min) * factor, max: at + (max - at) * factor });
    },
    pan(delta) {
      if (zoomed.value === null) return;
      const { min, max } = zoomed.value;
      zoomTo({ min: min + delta, max: max + delta });
    },
    reset() {
      show(null);
    },
    setExtent(range) {
      const before = extent.value;
      if (before.min === range.min && before.max === range.max) return;
      extent.value = range;
      const shown = zoomed.value;
      if (shown && shown.max >= before.max && range.max > before.max) {
        const delta = range.max - before.max;
        zoomed.value = { min: shown.min + delta, max: shown.max + delta };
      }
    },
  };
}
