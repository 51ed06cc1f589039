/**
 * A long list in a box that scrolls: only the rows in view are made, some in each frame, and the others are empty room
 * between them. Their heights are known, so that nothing has to be measured.
 */
import {
  defaultRangeExtractor,
  useVirtualizer,
  type Rect,
  type VirtualItem,
  type Virtualizer,
} from '@tanstack/vue-virtual';
import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue';
import { frames } from './frame-queue.ts';

/** Beyond the box, above and below, so that slow scrolling finds them there. */
const BEYOND = 6;
/** New rows a frame: thirty at once, each of a dozen cells, would be one long task. */
const NEW_A_FRAME = 12;
/** Until the box has its size. */
const PRESUMED: Rect = { width: 1000, height: 300 };

export interface RowInView<T> {
  readonly item: T;
  readonly index: number;
  /** Empty room before it. */
  readonly gapPx: number;
}

export interface RowsInView<T> {
  readonly rows: readonly RowInView<T>[];
  /** Empty room after the last of them. */
  readonly endGapPx: number;
}

interface LongList<T> {
  readonly box: Readonly<Ref<HTMLElement | null>>;
  readonly items: () => readonly T[];
  /** Of the same row also when its item was made anew. */
  readonly key: (item: T) => PropertyKey;
  readonly heightPx: (item: T) => number;
  /** Of a row that is made wherever the box is scrolled to: the one with the focus. -1: none. */
  readonly kept?: () => number;
}

/** The size as the page lays it out anyway; asked for, it would cost a layout of its own. */
function observeSize({ scrollElement }: Virtualizer<HTMLElement, Element>, report: (size: Rect) => void) {
  if (!scrollElement) return;
  const observer = new ResizeObserver(([{ contentRect }]) => report(contentRect));
  observer.observe(scrollElement);
  return () => observer.disconnect();
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
        initialRect: PRESUMED,
        observeElementRect: observeSize,
        // It would scroll the box to its top, where it is, at the price of a layout in the middle of a page that opens.
        scrollToFn: () => {},
        overscan: BEYOND,
        estimateSize: (index: number) => heightPx(all[index]),
        // A new function each time: heights may be others although the count is the same.
        getItemKey: (index: number) => index,
        rangeExtractor(range: Parameters<typeof defaultRangeExtractor>[0]) {
          const indices = defaultRangeExtractor(range);
          if (keptIndex < 0 || keptIndex >= range.count || indices.includes(keptIndex)) return indices;
          return [...indices, keptIndex].toSorted((a, b) => a - b);
        },
      };
    }),
  );

  const shown = shallowRef<RowsInView<T>>({ rows: [], endGapPx: 0 });
  let made: ReadonlySet<PropertyKey> = new Set();
  /** New rows that may still be made in this frame. */
  let budget = NEW_A_FRAME;
  let frame = 0;

  function update(): void {
    const all = items();
    // A list that has become shorter may not be measured yet.
    const wanted = virtualizer.value.getVirtualItems().filter(({ index }) => index < all.length);
    const { range } = virtualizer.value;
    const isInSight = ({ index }: VirtualItem) =>
      range !== null && index >= range.startIndex && index <= range.endIndex;
    const fresh = wanted.filter(({ index }) => index !== kept() && !made.has(key(all[index])));
    const beyond = fresh.filter((row) => !isInSight(row));
    const notYet = new Set([...fresh.filter(isInSight), ...beyond].slice(budget));
    spend(fresh.length - notYet.size);
    let endPx = 0;
    const rows: RowInView<T>[] = [];
    for (const row of wanted) {
      if (notYet.has(row)) continue;
      rows.push({ item: all[row.index], index: row.index, gapPx: row.start - endPx });
      endPx = row.end;
    }
    made = new Set(rows.map(({ item }) => key(item)));
    shown.value = { rows, endGapPx: virtualizer.value.getTotalSize() - endPx };
  }

  /** What is made now is laid out in the frame to come: the next rows are for the one after it. */
  function spend(count: number): void {
    if (count === 0) return;
    budget -= count;
    if (frame === 0) frame = requestAnimationFrame(() => frames.mount(renew));
  }

  function renew(): void {
    budget = NEW_A_FRAME;
    update();
    if (budget < NEW_A_FRAME) frames.mount(renew);
    else frame = 0;
  }

  watch([virtualizer, items, kept], update, { immediate: true });
  onScopeDispose(() => {
    cancelAnimationFrame(frame);
    frames.remove(renew);
  });
  return shown;
}
