/** Which changes of runs are worth telling, and as what. */
import type { RunChange } from '#shared/contract/runs.ts';
import { endNotice, gateNotice, hasEnded, type Notice } from '#shared/domain/run-notices.ts';
import type { Toast } from '../../ui/toasts.ts';

export interface Told {
  readonly runId: string;
  readonly kind: Toast['kind'];
  readonly notice: Notice;
}

/** What a change is worth telling; `wasLive`: whether its run was still going before. */
export function toldOf(change: RunChange, wasLive: (runId: string) => boolean): Told | null {
  if (change.type === 'gate') {
    return { runId: change.runId, kind: 'bad', notice: gateNotice(change.name, change.result) };
  }
  if (change.type === 'deleted' || !hasEnded(change.run) || !wasLive(change.run.id)) return null;
  const { id, status } = change.run;
  const kind = status === 'finished' ? 'good' : status === 'stopped' ? 'info' : 'bad';
  return { runId: id, kind, notice: endNotice(change.run) };
}
