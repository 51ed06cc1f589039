/** Work in main with progress events. Leaving the page cancels it. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { WorkProgress } from '#shared/contract/evaluation.ts';
import { isCancelled } from './errors.ts';

export interface Work<E> {
  /** Progress; null: nothing is running. */
  readonly progress: ShallowRef<WorkProgress | null>;
  /** Error of the last attempt. */
  readonly error: ShallowRef<unknown>;
  /** Cancels running work and starts; `onDone` gets each event other than progress. */
  readonly start: (open: (signal: AbortSignal) => Promise<AsyncIterable<E | WorkProgress>>) => Promise<void>;
  readonly cancel: () => void;
}

function isProgress(event: object): event is WorkProgress {
  return (event as { type?: unknown }).type === 'progress';
}

export function useWork<E extends object>(onDone: (event: E) => void): Work<E> {
  const progress = shallowRef<WorkProgress | null>(null);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    progress.value = null;
  }

  const start: Work<E>['start'] = async (open) => {
    cancel();
    const mine = new AbortController();
    running = mine;
    error.value = null;
    progress.value = { type: 'progress', phase: 'starting', fraction: null };
    try {
      for await (const event of await open(mine.signal)) {
        if (mine.signal.aborted) return;
        if (isProgress(event)) progress.value = event;
        else onDone(event);
      }
    } catch (cause) {
      if (!mine.signal.aborted && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) cancel();
    }
  };

  onScopeDispose(cancel);
  return { progress, error, start, cancel };
}
