/** What is below the fold is made once: when somebody stays, or at once when they turn to it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whenTurnedTo } from '../../../src/renderer/ui/below-the-fold.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('who stays for a second gets it without doing anything', () => {
  const then = vi.fn<() => void>();
  whenTurnedTo(then, new EventTarget());
  vi.advanceTimersByTime(999);
  expect(then).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(then).toHaveBeenCalledOnce();
});

test.each(['wheel', 'scroll', 'touchmove', 'keydown', 'resize', 'beforeprint'])(
  '%s brings it at once, and once',
  (type) => {
    const then = vi.fn<() => void>();
    const target = new EventTarget();
    whenTurnedTo(then, target);
    target.dispatchEvent(new Event(type));
    expect(then).toHaveBeenCalledOnce();
    target.dispatchEvent(new Event(type));
    vi.runAllTimers();
    expect(then).toHaveBeenCalledOnce();
  },
);

test('who has left gets nothing any more', () => {
  const then = vi.fn<() => void>();
  const target = new EventTarget();
  const stop = whenTurnedTo(then, target);
  stop();
  target.dispatchEvent(new Event('scroll'));
  vi.runAllTimers();
  expect(then).not.toHaveBeenCalled();
});
