/** Finds what the mouse can do on a page and the keyboard cannot. */
import type { Page } from 'playwright-core';
import { nextFrames } from './steps.ts';

/** Far more than the elements of any page. */
const MOST_PRESSES = 1000;
const PRESSES_AT_ONCE = 5;

interface Watch {
  readonly seen: Set<Element>;
  /** The focus is at the first link again. */
  hasWrapped: boolean;
}
type WatchedWindow = Window & { focusWatch?: Watch };

/** Presses Tab from the top of the page until the focus has been everywhere. */
async function tabThrough(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watch: Watch = { seen: new Set(), hasWrapped: false };
    (window as WatchedWindow).focusWatch = watch;
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    // The next Tab then begins at the top.
    getSelection()?.collapse(document.body, 0);
    const first = document.querySelector('a[href]');
    document.addEventListener('focusin', ({ target }) => {
      if (first && target === first && watch.seen.has(first)) watch.hasWrapped = true;
      watch.seen.add(target as Element);
    });
  });
  for (let presses = 0; presses < MOST_PRESSES; presses += PRESSES_AT_ONCE) {
    // Held down, the key repeats. Lists render the rows that scroll into view in a frame or two.
    await Promise.all(Array.from({ length: PRESSES_AT_ONCE }, () => page.keyboard.down('Tab')));
    await nextFrames(page, 2);
    if (!(await page.evaluate(() => (window as WatchedWindow).focusWatch?.hasWrapped))) continue;
    await page.keyboard.up('Tab');
    return;
  }
  throw new Error(`The focus is not back at the first element after ${MOST_PRESSES} presses of Tab.`);
}

/**
 * Visible controls that Tab does not reach, and elements that handle clicks without being or holding one that it reaches.
 * Inside a grid, group of radio buttons, list box or list of tabs one control is enough: arrow keys move from there.
 */
export async function keyboardProblems(page: Page): Promise<string[]> {
  const found = await missedControls(page);
  // Elements that appeared behind the focus are reached the second time.
  return found.length === 0 ? [] : missedControls(page);
}

async function missedControls(page: Page): Promise<string[]> {
  await tabThrough(page);
  return page.evaluate(() => {
    const { seen } = (window as WatchedWindow).focusWatch!;
    const CONTROLS = 'a[href], button, input, select, textarea, summary, [role=button], [role=link], [role=tab]';
    const GROUPS = '[role=grid], [role=radiogroup], [role=listbox], [role=tablist], [role=menu]';
    const holdsSeen = (element: Element | null) => element !== null && [...seen].some((one) => element.contains(one));
    const isShown = (element: Element) =>
      element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert], [aria-hidden="true"]');
    const words = (element: Element) => {
      const name = element.getAttribute('aria-label') ?? element.textContent?.replaceAll(/\s+/g, ' ').trim() ?? '';
      return `${element.tagName.toLowerCase()}.${element.className} "${name.slice(0, 60)}"`;
    };
    const isReached = (element: Element): boolean => {
      if (seen.has(element) || holdsSeen(element.closest(GROUPS))) return true;
      if (!(element instanceof HTMLInputElement) || element.type !== 'radio') return false;
      return [...seen].some((one) => one instanceof HTMLInputElement && one.name === element.name);
    };
    /** Vue keeps its handlers in a property of this name. */
    const handlesClicks = (element: Element): boolean => {
      const key = Object.getOwnPropertySymbols(element).find(({ description }) => description === '_vei');
      const handlers = key && (element as unknown as Record<symbol, Record<string, unknown> | undefined>)[key];
      return Boolean(handlers?.onClick ?? handlers?.onDblclick);
    };
    const shown = [...document.body.querySelectorAll('*')].filter(isShown);
    const missed = shown.filter((e) => e.matches(CONTROLS) && !e.matches(':disabled') && !isReached(e));
    const mouseOnly = shown.filter(
      (e) => handlesClicks(e) && !e.matches(':disabled') && !holdsSeen(e) && ![...seen].some((one) => one.contains(e)),
    );
    return [
      ...missed.map((element) => `Tab does not reach ${words(element)}`),
      ...mouseOnly.filter((e) => !missed.includes(e) && !isReached(e)).map((e) => `only a mouse reaches ${words(e)}`),
    ];
  });
}
