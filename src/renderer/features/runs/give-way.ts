/** While somebody moves about in the window, training rests for a moment: what they asked for gets the processor. */
import { useEventListener, useThrottleFn } from '@vueuse/core';
import { client } from '../../rpc.ts';
import { isTyping } from '../../ui/shortcuts.ts';
import { useRunsStore } from './runs-store.ts';

/** A press, its click and the page that opens each ask: the rest then lasts until a while after the last of them. */
const EVERY_MS = 50;

const ask = useThrottleFn(() => {
  if (useRunsStore().live.length === 0) return;
  // Without an answer training is only less polite.
  void client.runs.giveWay().catch(() => undefined);
}, EVERY_MS);

/** Also for pages opened without a click: the address bar, the back gesture. */
export function askTrainingToGiveWay(): void {
  void ask();
}

export function useGiveWay(): void {
  useEventListener(window, 'pointerdown', askTrainingToGiveWay, { capture: true, passive: true });
  useEventListener(window, 'keydown', (event: KeyboardEvent) => isTyping(event) || askTrainingToGiveWay(), {
    passive: true,
  });
}
