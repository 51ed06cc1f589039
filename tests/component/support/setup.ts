/** Before each file of component tests; they share processes, so nothing of a test may stay for the next. */
import { disableAutoUnmount, enableAutoUnmount } from '@vue/test-utils';
import { afterEach, beforeEach, vi } from 'vitest';
import { resetHistory } from './rpc.ts';

vi.mock('../../../src/renderer/rpc.ts', () => import('./rpc.ts'));

// Dialogs are in the body, not in the wrapper. Hooks of the file before are gone, but it cannot be enabled twice.
disableAutoUnmount();
enableAutoUnmount(afterEach);

beforeEach(() => {
  vi.resetAllMocks();
  resetHistory();
  document.body.replaceChildren();
  // happy-dom has no layout: without a size a virtual list would render no row.
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1000);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600);
});
