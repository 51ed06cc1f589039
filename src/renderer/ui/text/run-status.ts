/** Label of each status of a run. */
import type { RunStatus, RunSummary } from '#shared/contract/runs.ts';

export const RUN_STATUS_LABELS: Readonly<Record<RunStatus, string>> = {
  queued: 'Queued',
  starting: 'Starting',
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
  interrupted: 'Interrupted',
};

/** Label of an imported run. */
export const IMPORTED_LABEL = 'Imported';

export function statusLabel({ status, imported }: Pick<RunSummary, 'status' | 'imported'>): string {
  return imported ? IMPORTED_LABEL : RUN_STATUS_LABELS[status];
}
