/** The prediction on screen and its request. A new request removes the old answer. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { ContextSource, PredictionResult } from '#shared/contract/inference.ts';
import { client } from '../../rpc.ts';
import { isCancelled } from '../../ui/feedback/errors.ts';

export interface Question {
  readonly runId: string;
  readonly source: ContextSource;
  readonly neighboursIn: string | null;
  readonly neighbours: number;
}

export interface PredictionState {
  readonly result: ShallowRef<PredictionResult | null>;
  readonly busy: ShallowRef<boolean>;
  readonly error: ShallowRef<unknown>;
  readonly predict: (question: Question) => Promise<void>;
  readonly cancel: () => void;
}

export function usePrediction(): PredictionState {
  const result = shallowRef<PredictionResult | null>(null);
  const busy = shallowRef(false);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    busy.value = false;
  }

  async function predict(question: Question): Promise<void> {
    cancel();
    const mine = new AbortController();
    running = mine;
    busy.value = true;
    [result.value, error.value] = [null, null];
    try {
      const answer = await client.inference.predict(question, { signal: mine.signal });
      if (running === mine) result.value = answer;
    } catch (cause) {
      if (running === mine && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) cancel();
    }
  }

  onScopeDispose(cancel);
  return { result, busy, error, predict, cancel };
}
