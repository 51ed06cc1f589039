/**
 * Training on the desktop: progress in the dock and task bar, no sleep while it trains, a notification when
 * a run ends or a gate trips. Reads the services as any window does; decides nothing about runs.
 */
import { BrowserWindow, Notification, powerSaveBlocker } from 'electron';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { RunChange, RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { meanProgress } from '#shared/domain/runs/progress.ts';
import { endNotice, gateNotice, isSpokenFor, type Notice } from '#shared/domain/runs/run-notices.ts';

/** Values of 'setProgressBar' that are no share. */
const NO_BAR = -1;
const UNKNOWN = 2;
const BUSY: ReadonlySet<RunStatus> = new Set(['starting', 'running']);

export interface ActivityHooks {
  /** A run starts or resumes training. */
  readonly onBegin: () => void;
  /** A person clicked a notification. */
  readonly showRuns: () => void;
  /** The runs that train now, after each change of one. */
  readonly onProgress: (runs: readonly RunSummary[]) => void;
}

/** Follows all runs until the signal aborts. */
export function followActivity(client: NextvecClient, signal: AbortSignal, hooks: ActivityHooks): void {
  const { onBegin, showRuns, onProgress } = hooks;
  const busy = new Map<string, RunSummary>();
  const keepAwake = sleepBlocker();

  const show = (): void => {
    const runs = [...busy.values()];
    const progress = runs.length === 0 ? NO_BAR : (meanProgress(runs) ?? UNKNOWN);
    for (const window of BrowserWindow.getAllWindows()) window.setProgressBar(progress);
    onProgress(runs);
    keepAwake(runs.length > 0);
  };

  const seen = (run: RunSummary): void => {
    const was = busy.get(run.id);
    if (BUSY.has(run.status)) {
      busy.set(run.id, run);
      if (!was) onBegin();
    } else {
      busy.delete(run.id);
      if (was && hasEnded(run.status) && !isSpokenFor(run)) notify(endNotice(run), showRuns);
    }
    show();
  };

  const onChange = (change: RunChange): void => {
    if (change.type === 'changed') seen(change.run);
    else if (change.type === 'gate') {
      if (!isSpokenFor(change.run)) notify(gateNotice(change.run.name, change.result), showRuns);
    } else if (busy.delete(change.runId)) show();
  };

  const follow = async (): Promise<void> => {
    const changes = await client.runs.changes(undefined, { signal });
    for (const run of await client.runs.list(undefined, { signal })) if (BUSY.has(run.status)) seen(run);
    for await (const change of changes) onChange(change);
  };
  ignoreAbort(follow(), signal);
}

function notify({ title, body }: Notice, onClick: () => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  notification.on('click', onClick);
  notification.show();
}

/** Keeps the machine awake as long as it was last called with true. */
function sleepBlocker(): (isBusy: boolean) => void {
  let blocker: number | null = null;
  return (isBusy) => {
    if (isBusy && blocker === null) blocker = powerSaveBlocker.start('prevent-app-suspension');
    if (!isBusy && blocker !== null) {
      powerSaveBlocker.stop(blocker);
      blocker = null;
    }
  };
}

function ignoreAbort(work: Promise<void>, signal: AbortSignal): void {
  work.catch((error: unknown) => {
    if (!signal.aborted) console.error('Following the runs failed:', error);
  });
}
