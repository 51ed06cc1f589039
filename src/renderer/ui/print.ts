/**
 * The page laid out for paper (print.css, light colours, all charts drawn) while it is printed. `withPrintLayout` waits for
 * the charts; where the browser prints by itself (Ctrl+P), charts that were never in view are missing.
 */
import { nextTick, readonly, ref } from 'vue';
import { setLightOnly } from './theme.ts';

/** Frames until all charts are drawn at their width on paper: size, then plot, then lines, each in the next frame. */
const FRAMES = 6;

const on = ref(false);
/** Charts out of view are drawn, too. */
export const printing = readonly(on);

function lay(out: boolean): void {
  on.value = out;
  document.documentElement.toggleAttribute('data-printing', out);
  setLightOnly(out);
}

export function followPrinting(): void {
  addEventListener('beforeprint', () => lay(true));
  addEventListener('afterprint', () => lay(false));
}

/** Lays the page out, calls `print`, and brings back what was shown. */
export async function withPrintLayout(print: () => void | PromiseLike<unknown>): Promise<void> {
  const panes = [...document.querySelectorAll('.pane')].map((pane) => ({ pane, top: pane.scrollTop }));
  lay(true);
  try {
    await nextTick();
    for (let i = 0; i < FRAMES; i++) await new Promise(requestAnimationFrame);
    await print();
  } finally {
    lay(false);
    for (const { pane, top } of panes) pane.scrollTop = top;
  }
}
