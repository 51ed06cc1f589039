/**
 * State of the window's tooltip, shown by ui/frames/UiTooltipLayer.vue. One for all anchors: a component tree for each
 * made pages slow to open.
 */
import { readonly, shallowRef } from 'vue';

export type TooltipSide = 'top' | 'right' | 'bottom' | 'left';

export interface ShownTooltip {
  readonly text: string;
  readonly side: TooltipSide;
  readonly anchor: Element;
}

export const TOOLTIP_ID = 'nextvec-tooltip';
const WAIT_MS = 350;
/** Moving to the next anchor within this time shows its tooltip at once. */
const WARM_MS = 300;

const shown = shallowRef<ShownTooltip | null>(null);
export const shownTooltip = readonly(shown);
let timer: ReturnType<typeof setTimeout> | undefined;
let hiddenAt = 0;

export function showTooltip(next: ShownTooltip, atOnce = false): void {
  clearTimeout(timer);
  const warm = shown.value !== null || Date.now() - hiddenAt < WARM_MS;
  timer = setTimeout(
    () => {
      if (!next.anchor.isConnected) return;
      next.anchor.setAttribute('aria-describedby', TOOLTIP_ID);
      shown.value = next;
    },
    atOnce || warm ? 0 : WAIT_MS,
  );
}

export function hideTooltip(): void {
  clearTimeout(timer);
  if (shown.value === null) return;
  shown.value.anchor.removeAttribute('aria-describedby');
  shown.value = null;
  hiddenAt = Date.now();
}
