/** The matrix of a cross-test while it fills, a cell at a time. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { MatrixCell } from '#shared/contract/evaluation.ts';
import { client } from '../../rpc.ts';
import { isCancelled } from '../../ui/feedback/errors.ts';

export interface CrossTestState {
  /** By "runId datasetId". */
  readonly cells: ShallowRef<ReadonlyMap<string, MatrixCell>>;
  readonly work: ShallowRef<{ readonly phase: string; readonly fraction: number | null } | null>;
  readonly error: ShallowRef<unknown>;
  readonly start: (runIds: readonly string[], datasetIds: readonly string[]) => Promise<void>;
  readonly cancel: () => void;
}

export function cellKey(runId: string, datasetId: string): string {
  return `${runId} ${datasetId}`;
}

export function useCrossTest(): CrossTestState {
  const cells = shallowRef<ReadonlyMap<string, MatrixCell>>(new Map());
  const work = shallowRef<{ readonly phase: string; readonly fraction: number | null } | null>(null);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  function cancel(): void {
    running?.abort();
    running = null;
    work.value = null;
  }

  async function start(runIds: readonly string[], datasetIds: readonly string[]): Promise<void> {
    cancel();
    const mine = new AbortController();
    running = mine;
    error.value = null;
    work.value = { phase: 'starting', fraction: null };
    try {
      const input = { runIds: [...runIds], datasetIds: [...datasetIds] };
      for await (const event of await client.evaluation.crossTest(input, { signal: mine.signal })) {
        if (mine.signal.aborted) return;
        if (event.type === 'progress') work.value = { phase: event.phase, fraction: event.fraction };
        else cells.value = new Map(cells.value).set(cellKey(event.cell.runId, event.cell.datasetId), event.cell);
      }
    } catch (cause) {
      if (!mine.signal.aborted && !isCancelled(cause)) error.value = cause;
    } finally {
      if (running === mine) cancel();
    }
  }
  onScopeDispose(cancel);
  return { cells, work, error, start, cancel };
}
