/** Which lines of a chart are hidden, the items of its legend, and its summary for screen readers. */
import { watchThrottled } from '@vueuse/core';
import { computed, shallowRef, watch, type Ref } from 'vue';
import type { LegendItem } from './ChartLegend.vue';
import { firstValue, lastValue, valueNear } from './data/columns.ts';
import type { ChartSeries, ReferenceLine } from './drawing/scene.ts';

/** Least time between two updates of the legend's figures, and of the summary. */
const LEGEND_MS = 200;
const SUMMARY_MS = 3000;

interface ChartLines {
  readonly series: readonly ChartSeries[];
  readonly references: readonly ReferenceLine[];
  /** Keys of series and references that are hidden at first. */
  readonly hide: readonly string[];
  readonly format: (value: number | null) => string;
}

function useHiddenLines(lines: ChartLines) {
  const hidden = shallowRef<ReadonlySet<string>>(new Set(lines.hide));
  watch(
    () => lines.hide,
    (hide, before) => {
      if (hide.join() !== before.join()) hidden.value = new Set(hide);
    },
  );

  function toggle(key: string): void {
    const next = new Set(hidden.value);
    if (!next.delete(key)) next.add(key);
    hidden.value = next;
  }

  function showOnly(key: string): void {
    const others = [...lines.series, ...lines.references].map((item) => item.key).filter((k) => k !== key);
    const alone = others.every((k) => hidden.value.has(k)) && !hidden.value.has(key);
    hidden.value = new Set(alone ? [] : others);
  }

  return { hidden, toggle, showOnly };
}

/** `lines`: reactive props. `cursorX`: x of the values in the legend; null: the last ones. */
export function useChartLegend(lines: ChartLines, cursorX: Readonly<Ref<number | null>>) {
  const { hidden, toggle, showOnly } = useHiddenLines(lines);

  /** The series of legend and table, which need no update per frame. */
  const slowSeries = shallowRef(lines.series);
  watchThrottled(
    () => lines.series,
    (series) => (slowSeries.value = series),
    { throttle: LEGEND_MS },
  );
  const legend = computed<LegendItem[]>(() => {
    const at = cursorX.value;
    const item = ({ key, style }: ChartSeries | ReferenceLine, value: number | null): LegendItem => {
      return { key, look: style, value: lines.format(value), optional: lines.hide.includes(key) };
    };
    const read = ({ points }: ChartSeries) => (at === null ? lastValue(points) : (valueNear(points, at)?.y ?? null));
    return [...slowSeries.value.map((s) => item(s, read(s))), ...lines.references.map((line) => item(line, line.y))];
  });

  const summary = shallowRef('');
  watchThrottled([() => lines.series, () => lines.references], () => (summary.value = summarize(lines)), {
    throttle: SUMMARY_MS,
    immediate: true,
  });

  /** A getter, so that an update of the legend renders ChartLegend only, not the chart around it. */
  return { hidden, toggle, showOnly, slowSeries, readLegend: () => legend.value, summary };
}

function summarize({ series, references, format }: ChartLines): string {
  const parts = series.map(({ style, points }) => {
    const last = lastValue(points);
    return last === null
      ? `${style.label} not measured`
      : `${style.label} ${format(last)}, from ${format(firstValue(points))}`;
  });
  return [...parts, ...references.map(({ style, y }) => `${style.label} ${format(y)}`)].join('; ');
}
