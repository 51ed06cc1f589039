/**
 * Tells of runs that end and of gates that are missed while another page is open: a toast, and the system's own
 * notification while nobody looks at this tab. On the Node host; the desktop app's main process notifies by itself.
 */
import { tryOnScopeDispose } from '@vueuse/core';
import { useRouter } from 'vue-router';
import { toast } from '../ui/feedback/toasts.ts';
import { isLive, useRunsStore } from '../stores/runs-store.ts';
import { useAppStore } from '../stores/app-store.ts';
import { toldOf, type Told } from './told.ts';

export function useRunNotices(): void {
  const app = useAppStore();
  const runs = useRunsStore();
  const router = useRouter();
  /** Ended and told of; the list itself changes only with the next frame. */
  const ended = new Set<string>();

  function wasLive(runId: string): boolean {
    const run = runs.byId.get(runId);
    return run !== undefined && isLive(run) && !ended.has(runId);
  }

  function tell({ runId, kind, notice: { title, body } }: Told): void {
    const open = (): void => void router.push({ name: 'run', params: { id: runId } });
    const { name, params } = router.currentRoute.value;
    const isSeen = name === 'run' && params.id === runId;
    if (!isSeen) toast(title, { kind, detail: body, action: { label: 'Open', run: open } });
    if (document.visibilityState === 'hidden' && Notification.permission === 'granted') {
      new Notification(title, { body, tag: `${runId} ${title}` }).addEventListener('click', () => {
        window.focus();
        open();
      });
    }
  }

  const { off } = runs.onChange((change) => {
    if (change.type === 'changed' && isLive(change.run)) ended.delete(change.run.id);
    const told = toldOf(change, wasLive);
    if (told === null || app.info?.host !== 'node') return;
    if (change.type === 'changed') ended.add(told.runId);
    tell(told);
  });
  tryOnScopeDispose(off);
}
