/**
 * Notifies of ended runs and missed gates while another page is open: a toast, and a system notification while the tab
 * is hidden. Node host only; the desktop app's main process sends its own notifications.
 */
import { tryOnScopeDispose } from '@vueuse/core';
import { useRouter } from 'vue-router';
import { toast } from '../ui/feedback/toasts.ts';
import { isLive, useRunsStore } from '../stores/runs-store.ts';
import { useAppStore } from '../stores/app-store.ts';
import { announcementOf, type Announcement } from './announcement.ts';

export function useRunNotices(): void {
  const app = useAppStore();
  const runs = useRunsStore();
  const router = useRouter();
  /** Already announced; the runs store changes only in the next frame. */
  const ended = new Set<string>();

  function wasLive(runId: string): boolean {
    const run = runs.byId.get(runId);
    return run !== undefined && isLive(run) && !ended.has(runId);
  }

  function announce({ runId, kind, notice: { title, body } }: Announcement): void {
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
    const announcement = announcementOf(change, wasLive);
    if (announcement === null || app.info?.host !== 'node') return;
    if (change.type === 'changed') ended.add(announcement.runId);
    announce(announcement);
  });
  tryOnScopeDispose(off);
}
