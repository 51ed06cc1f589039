/** Short notices at the window's corner. Shown by ui/feedback/UiToasts.vue, once, in App.vue. */
import { readonly, ref } from 'vue';
import { isCancelled, shownError } from './errors.ts';

export interface Toast {
  readonly id: number;
  readonly kind: 'info' | 'good' | 'bad';
  readonly title: string;
  readonly detail: string | null;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const SHOWN_MS = 6000;
const shown = ref<Toast[]>([]);
export const toasts = readonly(shown);
let nextId = 1;

export function dismissToast(id: number): void {
  shown.value = shown.value.filter((toast) => toast.id !== id);
}

export function toast(title: string, options: Partial<Omit<Toast, 'id' | 'title'>> = {}): void {
  const id = nextId++;
  const { kind = 'info', detail = null, action = null } = options;
  shown.value = [...shown.value.slice(-3), { id, kind, title, detail, action }];
  // An error stays until it is dismissed.
  if (kind !== 'bad') setTimeout(() => dismissToast(id), SHOWN_MS);
}

/** Awaits `work` and shows its error, as `toastError`; whether it succeeded. */
export async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    toastError(what, error);
    return false;
  }
}

/** Shows an error, unless it means that the work was cancelled. */
export function toastError(what: string, error: unknown): void {
  if (isCancelled(error)) return;
  const { message, remedy } = shownError(error);
  toast(what, { kind: 'bad', detail: remedy === null ? message : `${message} ${remedy}` });
}
