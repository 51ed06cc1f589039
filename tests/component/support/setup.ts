/** Before each file of component tests; they share processes, so nothing of a test may stay for the next. */
import { disableAutoUnmount, enableAutoUnmount } from '@vue/test-utils';
import { afterEach, beforeEach, vi } from 'vitest';
import { resetHistory } from './rpc.ts';

vi.mock('../../../src/renderer/rpc.ts', () => import('./rpc.ts'));

// Dialogs are in the body, not in the wrapper. Hooks of the file before are gone, but it cannot be enabled twice.
disableAutoUnmount();
enableAutoUnmount(afterEach);

/** Size of every element: happy-dom has no layout, and without a size a virtual list would render no row. */
const SIZE = { width: 1000, height: 600 };

/** Reports SIZE once; happy-dom's own reports nothing. */
class FixedSizeObserver implements ResizeObserver {
  readonly #report: ResizeObserverCallback;

  constructor(report: ResizeObserverCallback) {
    this.#report = report;
  }

  observe(target: Element): void {
    const contentRect = new DOMRect(0, 0, SIZE.width, SIZE.height);
    this.#report([{ target, contentRect, borderBoxSize: [], contentBoxSize: [], devicePixelContentBoxSize: [] }], this);
  }

  unobserve(): void {}

  disconnect(): void {}
}

beforeEach(() => {
  vi.resetAllMocks();
  resetHistory();
  document.body.replaceChildren();
  vi.stubGlobal('ResizeObserver', FixedSizeObserver);
});
