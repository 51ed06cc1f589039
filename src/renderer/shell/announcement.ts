/** Which changes of runs are announced, and how. */
import type { RunChange } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { endNotice, gateNotice, isSpokenFor, type Notice } from '#shared/domain/runs/run-notices.ts';
import type { Toast } from '../ui/feedback/toasts.ts';

export interface Announcement {
  readonly runId: string;
  readonly kind: Toast['kind'];
  readonly notice: Notice;
}

/** The notice for a change, or null. `wasLive`: whether the run was live before. */
export function announcementOf(change: RunChange, wasLive: (runId: string) => boolean): Announcement | null {
  if (change.type === 'deleted' || isSpokenFor(change.run)) return null;
  const { id, name, status } = change.run;
  if (change.type === 'gate') {
    // A warning disappears by itself; a notice of a paused or stopped run stays until it is dismissed.
    const kind = change.result.gate.action === 'warn' ? 'info' : 'bad';
    return { runId: id, kind, notice: gateNotice(name, change.result) };
  }
  if (!hasEnded(status) || !wasLive(id)) return null;
  const kind = status === 'finished' ? 'good' : status === 'stopped' ? 'info' : 'bad';
  return { runId: id, kind, notice: endNotice(change.run) };
}
