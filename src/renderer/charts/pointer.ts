/**
 * Zoom and pan with wheel, trackpad and mouse. A plain wheel scrolls the page unless the chart has been clicked or
 * focused; with Ctrl or ⌘ (what a pinch sends too) it zooms always. Sideways, or with Shift, it pans. Drag selects a
 * stretch, Shift- or middle-drag pans, double-click shows everything.
 */
import type uPlot from 'uplot';
import type { ChartGroup } from './chart-group.ts';

const ZOOM_PER_PIXEL = 0.0022;
const MAX_WHEEL_PIXELS = 120;

/** x of the view for each pixel of the plot. */
function perPixel(plot: uPlot, group: ChartGroup): number {
  return (group.view().max - group.view().min) / Math.max(1, plot.rect.width);
}

function onWheel(event: WheelEvent, plot: uPlot, group: ChartGroup): void {
  const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  const focused = plot.over.closest('[data-chart]')?.contains(document.activeElement) ?? false;
  if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) {
    if (group.zoomed.value === null) return;
    event.preventDefault();
    group.pan(sideways * pixels * perPixel(plot, group));
  } else if (event.ctrlKey || event.metaKey || focused) {
    event.preventDefault();
    const distance = Math.max(-MAX_WHEEL_PIXELS, Math.min(MAX_WHEEL_PIXELS, event.deltaY * pixels));
    // Kept up to date by uPlot; getBoundingClientRect would force a layout within the frame.
    const at = plot.posToVal(event.clientX - plot.rect.left, 'x');
    group.zoomBy(Math.exp(distance * ZOOM_PER_PIXEL * (event.ctrlKey ? 4 : 1)), at);
  }
}

function startsPan({ target, button, shiftKey }: MouseEvent, { over }: uPlot): boolean {
  return target instanceof Node && over.contains(target) && (button === 1 || (button === 0 && shiftKey));
}

/** Pans until the button is released, or `unbound` is aborted. */
function pan(event: MouseEvent, plot: uPlot, group: ChartGroup, unbound: AbortSignal): void {
  if (!startsPan(event, plot)) return;
  event.preventDefault();
  event.stopPropagation();
  let last = event.clientX;
  const dragging = new AbortController();
  const until = { signal: AbortSignal.any([unbound, dragging.signal]) };
  plot.over.classList.add('panning');
  window.addEventListener(
    'mousemove',
    (move) => {
      group.pan((last - move.clientX) * perPixel(plot, group));
      last = move.clientX;
    },
    until,
  );
  const end = () => {
    plot.over.classList.remove('panning');
    dragging.abort();
  };
  window.addEventListener('mouseup', end, until);
}

/** Listens on the plot until the returned function is called. */
export function bindPointer(plot: uPlot, group: ChartGroup): () => void {
  const { over, root } = plot;
  const listeners = new AbortController();
  const { signal } = listeners;
  over.addEventListener('wheel', (event) => onWheel(event, plot, group), { signal, passive: false });
  over.addEventListener('dblclick', () => group.reset(), { signal });
  // Capture on the parent, so that uPlot's own drag does not start.
  root.addEventListener('mousedown', (event) => pan(event, plot, group, signal), { signal, capture: true });
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
