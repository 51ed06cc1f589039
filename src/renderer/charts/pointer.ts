/**
 * Zoom and pan with wheel, trackpad and mouse. A plain wheel scrolls the page unless the chart has been clicked or
 * focused; with Ctrl or ⌘ (what a pinch sends too) it zooms always. Sideways, or with Shift, it pans. Drag selects a
 * stretch, Shift- or middle-drag pans, double-click shows everything.
 */
import type uPlot from 'uplot';
import type { ChartGroup } from './chart-group.ts';

const ZOOM_PER_PIXEL = 0.0022;
const MAX_WHEEL_PIXELS = 120;

export function bindPointer(plot: uPlot, group: ChartGroup): () => void {
  const { over } = plot;
  const listeners = new AbortController();
  const { signal } = listeners;
  const perPixel = () => (group.view().max - group.view().min) / Math.max(1, plot.rect.width);

  over.addEventListener('wheel', (event) => onWheel(event), { signal, passive: false });
  over.addEventListener('dblclick', () => group.reset(), { signal });
  // Capture on the parent, so that uPlot's own drag does not start.
  plot.root.addEventListener('mousedown', (event) => startPan(event), { signal, capture: true });

  function onWheel(event: WheelEvent): void {
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
    const focused = over.closest('[data-chart]')?.contains(document.activeElement) ?? false;
    if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) {
      if (group.zoomed.value === null) return;
      event.preventDefault();
      group.pan(sideways * pixels * perPixel());
    } else if (event.ctrlKey || event.metaKey || focused) {
      event.preventDefault();
      const distance = Math.max(-MAX_WHEEL_PIXELS, Math.min(MAX_WHEEL_PIXELS, event.deltaY * pixels));
      // Kept up to date by uPlot; getBoundingClientRect would force a layout within the frame.
      const at = plot.posToVal(event.clientX - plot.rect.left, 'x');
      group.zoomBy(Math.exp(distance * ZOOM_PER_PIXEL * (event.ctrlKey ? 4 : 1)), at);
    }
  }

  function startPan(event: MouseEvent): void {
    if (!over.contains(event.target as Node) || !(event.button === 1 || (event.button === 0 && event.shiftKey))) return;
    event.preventDefault();
    event.stopPropagation();
    let last = event.clientX;
    const dragging = new AbortController();
    const until = { signal: AbortSignal.any([signal, dragging.signal]) };
    over.classList.add('panning');
    window.addEventListener(
      'mousemove',
      (move) => {
        group.pan((last - move.clientX) * perPixel());
        last = move.clientX;
      },
      until,
    );
    const end = () => {
      over.classList.remove('panning');
      dragging.abort();
    };
    window.addEventListener('mouseup', end, until);
  }

  return () => listeners.abort();
}

/** Handles a key of a focused chart; returns whether it did anything. */
export function chartKey(key: string, group: ChartGroup): boolean {
  const { min, max } = group.view();
  switch (key) {
    case '+':
    case '=':
      group.zoomBy(0.6, (min + max) / 2);
      return true;
    case '-':
      group.zoomBy(1 / 0.6, (min + max) / 2);
      return true;
    case 'ArrowLeft':
      group.pan((min - max) / 8);
      return true;
    case 'ArrowRight':
      group.pan((max - min) / 8);
      return true;
    case '0':
    case 'Home':
      group.reset();
      return true;
    default:
      return false;
  }
}
