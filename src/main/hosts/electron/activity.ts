/**
 * What the desktop shows of training: progress in the dock and task bar, no sleep while it trains, a notification when
 * a run ends or a gate trips. Reads the services as any window does; decides nothing about runs.
 */
import { BrowserWindow, Notification, powerSaveBlocker } from 'electron';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { GateResult, RunStatus, RunSummary } from '#shared/contract/runs.ts';

const BUSY: ReadonlySet<RunStatus> = new Set(['starting', 'running']);
const ENDED: ReadonlySet<RunStatus> = new Set(['finished', 'stopped', 'failed', 'interrupted']);

const ENDINGS: Partial<Record<RunStatus, string>> = {
  finished: 'finished',
  stopped: 'was stopped',
  failed: 'failed',
  interrupted: 'was interrupted',
};

export function endMessage(run: RunSummary): string {
  const parts = [run.reason];
  if (run.best) {
    const ood = run.best.oodCosine === null ? 'not measured' : run.best.oodCosine.toFixed(4);
    parts.push(`Best epoch ${run.best.epoch}: validation ${run.best.valCosine.toFixed(4)}, OOD ${ood}.`);
  }
  return parts.filter((part) => part !== '').join(' ');
}

export function gateMessage({ gate, value }: GateResult): string {
  const measured = value === null ? 'was not measured' : `is ${value.toFixed(4)}`;
  return `${gate.metric} ${measured}, the gate asks for at least ${gate.threshold}. Action: ${gate.action}.`;
}

/** Follows all runs until the signal aborts. `showRuns` is called when a person clicks a notification. */
export function followActivity(client: NextvecClient, signal: AbortSignal, showRuns: () => void): void {
  const busy = new Map<string, RunSummary>();
  let blocker: number | null = null;

  const notify = (title: string, body: string): void => {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    notification.on('click', showRuns);
    notification.show();
  };

  const watchGates = async (run: RunSummary): Promise<void> => {
    let fresh = false;
    for await (const event of await client.runs.watch({ runId: run.id }, { signal })) {
      if (event.type === 'gate' && !event.passed && fresh) {
        notify(`Gate at epoch ${event.epoch}: ${run.name}`, gateMessage(event));
      }
      // Gates before the first `run` message would be history.
      if (event.type === 'run') {
        fresh = true;
        if (!BUSY.has(event.run.status) && event.run.status !== 'paused') return;
      }
    }
  };

  const show = (): void => {
    const run = [...busy.values()].at(-1);
    const progress = !run ? -1 : run.totalSteps ? run.step / run.totalSteps : 2;
    for (const window of BrowserWindow.getAllWindows()) window.setProgressBar(progress);
    if (run && blocker === null) blocker = powerSaveBlocker.start('prevent-app-suspension');
    if (!run && blocker !== null) {
      powerSaveBlocker.stop(blocker);
      blocker = null;
    }
  };

  const seen = (run: RunSummary): void => {
    const was = busy.get(run.id);
    if (BUSY.has(run.status)) {
      busy.set(run.id, run);
      if (!was) ignoreAbort(watchGates(run), signal);
    } else {
      busy.delete(run.id);
      if (was && ENDED.has(run.status)) {
        notify(`${run.name} ${ENDINGS[run.status] ?? 'ended'}`, endMessage(run));
      }
    }
    show();
  };

  const follow = async (): Promise<void> => {
    const changes = await client.runs.changes(undefined, { signal });
    for (const run of await client.runs.list(undefined, { signal })) if (BUSY.has(run.status)) seen(run);
    for await (const change of changes) {
      if (change.type === 'changed') seen(change.run);
      else if (busy.delete(change.runId)) show();
    }
  };
  ignoreAbort(follow(), signal);
}

function ignoreAbort(work: Promise<void>, signal: AbortSignal): void {
  work.catch((error: unknown) => {
    if (!signal.aborted) console.error('Following the runs failed:', error);
  });
}
