/**
 * The page laid out for paper (print.css, light colours, all charts drawn) while it is printed. `withPrintLayout` waits for
 * the charts; where the browser prints by itself (Ctrl+P), charts that were never in view are missing.
 */
import { nextTick, readonly, ref } from 'vue';
import { setLightOnly } from './theme.ts';

/** Frames until all charts are drawn at their width on paper: size, then plot, then lines, each in the next frame. */
const FRAMES = 6;

const isPrinting = ref(false);
/** While true, charts out of view are drawn too. */
export const printing = readonly(isPrinting);

function setPrinting(on: boolean): void {
  isPrinting.value = on;
  document.documentElement.toggleAttribute('data-printing', on);
  setLightOnly(on);
}

export function followPrinting(): void {
  addEventListener('beforeprint', () => setPrinting(true));
  addEventListener('afterprint', () => setPrinting(false));
}

/** Lays the page out, calls `print`, then restores the layout and the scroll positions. */
export async function withPrintLayout(print: () => void | PromiseLike<unknown>): Promise<void> {
  const panes = [...document.querySelectorAll('.pane')].map((pane) => ({ pane, top: pane.scrollTop }));
  setPrinting(true);
  try {
    await nextTick();
    for (let i = 0; i < FRAMES; i++) await new Promise(requestAnimationFrame);
    await print();
  } finally {
    setPrinting(false);
    for (const { pane, top } of panes) pane.scrollTop = top;
  }
}
