/** Work in main with progress events. Leaving the page cancels it. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { WorkProgress } from '#shared/contract/evaluation.ts';
import { isCancelled } from './errors.ts';

export interface Work {
  /** Progress; null: nothing is running. */
  readonly progress: ShallowRef<WorkProgress | null>;
  /** Error of the last attempt. */
  readonly error: ShallowRef<unknown>;
  /** Cancels running work and starts; `onEvent` gets each event other than progress. */
  readonly start: <E extends { readonly type: string }>(
    open: (signal: AbortSignal) => Promise<AsyncIterable<E | WorkProgress>>,
    onEvent: (event: E) => void,
  ) => Promise<void>;
  readonly cancel: () => void;
}

function isProgress(event: { readonly type: string }): event is WorkProgress {
  return event.type === 'progress';
}

/** `firstPhase` is shown until the first progress event. */
export function useWork(firstPhase = 'starting'): Work {
  const progress = shallowRef<WorkProgress | null>(null);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    progress.value = null;
  }

  const start: Work['start'] = async (open, onEvent) => {
    cancel();
    const mine = new AbortController();
    running = mine;
    error.value = null;
    progress.value = { type: 'progress', phase: firstPhase, fraction: null };
    try {
      for await (const event of await open(mine.signal)) {
        if (mine.signal.aborted) return;
        if (isProgress(event)) progress.value = event;
        else onEvent(event);
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
