/**
 * What is below the fold is made when somebody stays on the page or turns to it. Who only passes by on the way to another
 * page does not wait for it, nor does a run that trains.
 */

const STAY_MS = 1000;
/** So far below the window's edge a piece counts as in view. */
const NEAR_PX = 100;
/** Whatever may lead further down, search in the page among it. */
const TURNS = ['wheel', 'scroll', 'touchmove', 'keydown', 'resize', 'beforeprint'] as const;

/** Whether what would stand in the place of `placeholder` lies below the window's lower edge. */
export function isBelowTheFold({ parentElement: parent, previousElementSibling: before }: Comment): boolean {
  if (!parent) return false;
  const fold = window.innerHeight + NEAR_PX;
  if (!before) return parent.getBoundingClientRect().top > fold;
  const { top, bottom } = before.getBoundingClientRect();
  // In a grid it may stand beside the one before.
  return (getComputedStyle(parent).display === 'grid' ? top : bottom) > fold;
}

/** Calls `then` once, when somebody has stayed or turns to what is below; not after the function it gives was called. */
export function whenTurnedTo(then: () => void, target: EventTarget = window): () => void {
  function stop(): void {
    clearTimeout(timer);
    for (const type of TURNS) target.removeEventListener(type, turned, { capture: true });
  }
  function turned(): void {
    stop();
    then();
  }
  const timer = setTimeout(turned, STAY_MS);
  for (const type of TURNS) target.addEventListener(type, turned, { capture: true, passive: true });
  return stop;
}
