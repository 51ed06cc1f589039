/** The answer of main to the newest of several calls: a new call aborts the one before it, as does leaving the page. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import { isCancelled } from './errors.ts';

export interface Answer<T> {
  /** The last answer; null before the first. Kept while the next call runs and when it fails. */
  readonly answer: ShallowRef<T | null>;
  readonly busy: ShallowRef<boolean>;
  /** Error of the last call; null once one has succeeded. */
  readonly error: ShallowRef<unknown>;
  readonly ask: (call: (signal: AbortSignal) => Promise<T>) => Promise<void>;
  readonly cancel: () => void;
  /** Forgets answer and error, and cancels the call that runs. */
  readonly clear: () => void;
}

export function useAnswer<T>(): Answer<T> {
  const answer = shallowRef<T | null>(null);
  const busy = shallowRef(false);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    busy.value = false;
  }

  function clear(): void {
    cancel();
    answer.value = null;
    error.value = null;
  }

  async function ask(call: (signal: AbortSignal) => Promise<T>): Promise<void> {
    cancel();
    const mine = new AbortController();
    running = mine;
    busy.value = true;
    try {
      const next = await call(mine.signal);
      if (running !== mine) return;
      answer.value = next;
      error.value = null;
    } catch (cause) {
      if (running === mine && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) cancel();
    }
  }

  onScopeDispose(cancel);
  return { answer, busy, error, ask, cancel, clear };
}
