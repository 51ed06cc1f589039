/**
 * The page first, its address after: the browser's own process works 17 to 30 ms on a change of address, beside the page
 * that a click opens, which stands still for as long where processors are few. The router hears of a change at once.
 */
import type { RouterHistory } from 'vue-router';

/** By then a page is there and painted; and nobody is at the browser's own "back" button so soon after a click. */
const AFTER_MS = 200;

/** What may leave the page or ask for another: the address is true before it acts. */
const BEFORE = ['pointerdown', 'keydown', 'pagehide', 'visibilitychange'] as const;

export interface LateHistory extends RouterHistory {
  /** Does what the browser's process works on, too, together with the change of address that waits, else at once. */
  along(change: () => void): void;
}

/**
 * `history` with changes of address told to the browser a moment later, in their order. A step back from outside the page
 * within that moment leaves from the address the browser shows.
 */
export function lateHistory(history: RouterHistory, target: EventTarget = window): LateHistory {
  const waiting: (() => void)[] = [];
  let location = history.location;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function settle(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const change of waiting.splice(0)) change();
  }

  function later(to: string, change: () => void): void {
    location = to;
    waiting.push(change);
    timer ??= setTimeout(settle, AFTER_MS);
  }

  for (const type of BEFORE) target.addEventListener(type, settle, { capture: true, passive: true });
  // The browser has gone elsewhere: what it had not been told of is not a place to return to.
  history.listen(() => void waiting.splice(0));

  return {
    base: history.base,
    get location() {
      return waiting.length > 0 ? location : history.location;
    },
    get state() {
      return history.state;
    },
    push: (to, data) => later(to, () => history.push(to, data)),
    replace: (to, data) => later(to, () => history.replace(to, data)),
    along: (change) => (waiting.length > 0 ? void waiting.push(change) : change()),
    go(delta, triggerListeners) {
      settle();
      history.go(delta, triggerListeners);
    },
    listen: (callback) => history.listen(callback),
    createHref: (to) => history.createHref(to),
    destroy() {
      settle();
      for (const type of BEFORE) target.removeEventListener(type, settle, { capture: true });
      history.destroy();
    },
  };
}
