/**
 * Virtual list: of a long list in a scrolling box only the rows in view are rendered, with spacers for the others.
 * Row heights are given, not measured.
 */
import {
  defaultRangeExtractor,
  elementScroll,
  useVirtualizer,
  type Range,
  type Rect,
  type ScrollToOptions,
  type Virtualizer,
} from '@tanstack/vue-virtual';
import { computed, type Ref } from 'vue';

/** Rows rendered beyond each edge of the box. */
const OVERSCAN = 6;

export interface RowInView<T> {
  readonly item: T;
  readonly index: number;
  /** Height of the spacer before the row, px. */
  readonly gapPx: number;
}

export interface RowsInView<T> {
  readonly rows: readonly RowInView<T>[];
  /** Height of the spacer after the last row, px. */
  readonly endGapPx: number;
}

interface LongList<T> {
  /** The element that scrolls. */
  readonly box: Readonly<Ref<HTMLElement | null>>;
  readonly items: () => readonly T[];
  readonly key: (item: T) => string | number;
  readonly heightPx: (item: T) => number;
  /** Index of a row that is rendered even out of view, such as the one with the focus; -1: none. */
  readonly kept?: () => number;
}

/** The box as its ResizeObserver reports it. The library's own also reads it when mounted, which forces a layout of the page. */
function observeRect({ scrollElement }: Virtualizer<HTMLElement, Element>, report: (rect: Rect) => void): () => void {
  const observer = new ResizeObserver(([{ contentRect }]) => report(contentRect));
  if (scrollElement) observer.observe(scrollElement);
  return () => observer.disconnect();
}

/** A box that has just appeared stands at 0: to scroll it there would force a layout of the page. */
function scrollBox(offset: number, options: ScrollToOptions, of: Virtualizer<HTMLElement, Element>): void {
  if (offset > 0) elementScroll(offset, options, of);
}

/** Indices of the range, and of the row that is rendered wherever it is; -1: none is. */
function withKept(range: Range, kept: number): number[] {
  const indices = defaultRangeExtractor(range);
  if (kept < 0 || kept >= range.count || indices.includes(kept)) return indices;
  return [...indices, kept].toSorted((a, b) => a - b);
}

export function useRowsInView<T>({
  box,
  items,
  key,
  heightPx,
  kept = () => -1,
}: LongList<T>): Readonly<Ref<RowsInView<T>>> {
  const virtualizer = useVirtualizer<HTMLElement, Element>(
    computed(() => {
      const all = items();
      const keptIndex = kept();
      return {
        count: all.length,
        getScrollElement: () => box.value,
        observeElementRect: observeRect,
        scrollToFn: scrollBox,
        overscan: OVERSCAN,
        estimateSize: (index: number) => heightPx(all[index]),
        getItemKey: (index: number) => key(all[index]),
        rangeExtractor: (range: Range) => withKept(range, keptIndex),
      };
    }),
  );

  return computed(() => {
    const all = items();
    let endPx = 0;
    const rows: RowInView<T>[] = [];
    for (const { index, start, end } of virtualizer.value.getVirtualItems()) {
      // The virtualizer gets the options of a shorter list only after this computed.
      if (index >= all.length) break;
      rows.push({ item: all[index], index, gapPx: start - endPx });
      endPx = end;
    }
    return { rows, endGapPx: virtualizer.value.getTotalSize() - endPx };
  });
}
