/** The stored evaluations of a run and the one in progress. Leaving the page cancels it. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { client } from '../../rpc.ts';
import { isCancelled } from '../../ui/feedback/errors.ts';
import type { Choice } from './choices.ts';

export interface EvaluationWork {
  readonly choice: Choice;
  readonly phase: string;
  /** 0..1, null while unknown. */
  readonly fraction: number | null;
}

export interface EvaluationsState {
  /** Newest first. */
  readonly list: ShallowRef<readonly Evaluation[]>;
  readonly loaded: Ref<boolean>;
  readonly work: ShallowRef<EvaluationWork | null>;
  /** Error of the last attempt, and the choice it was for. */
  readonly failed: ShallowRef<{ readonly choice: Choice; readonly error: unknown } | null>;
  readonly evaluate: (choice: Choice) => Promise<void>;
  readonly cancel: () => void;
}

export function useEvaluations(runId: string): EvaluationsState {
  const list = shallowRef<readonly Evaluation[]>([]);
  const loaded = ref(false);
  const work = shallowRef<EvaluationWork | null>(null);
  const failed = shallowRef<{ readonly choice: Choice; readonly error: unknown } | null>(null);
  let running: AbortController | null = null;

  async function load(): Promise<void> {
    list.value = await client.evaluation.list({ runId });
    loaded.value = true;
  }
  load().catch(() => (loaded.value = true));

  async function evaluate(choice: Choice): Promise<void> {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    failed.value = null;
    work.value = { choice, phase: 'starting', fraction: null };
    try {
      const { datasetId, part } = choice;
      const events = await client.evaluation.evaluate({ runId, datasetId, part }, { signal: mine.signal });
      for await (const event of events) {
        if (mine.signal.aborted) return;
        if (event.type === 'done') list.value = [event.evaluation, ...list.value];
        else work.value = { choice, phase: event.phase, fraction: event.fraction };
      }
    } catch (error) {
      if (!mine.signal.aborted && !isCancelled(error)) failed.value = { choice, error };
    } finally {
      if (running === mine) {
        running = null;
        work.value = null;
      }
    }
  }

  function cancel(): void {
    running?.abort();
    running = null;
    work.value = null;
  }
  onScopeDispose(cancel);
  return { list, loaded, work, failed, evaluate, cancel };
}
