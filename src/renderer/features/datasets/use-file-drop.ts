/** Files dropped anywhere on the page. Only the desktop app's preload can tell a file's path. */
import { useEventListener } from '@vueuse/core';
import { ref, type Ref } from 'vue';

declare global {
  interface Window {
    /** Path of a dropped file; only in the desktop app. */
    readonly nextvecPathOf?: (file: File) => string;
  }
}

export interface FileDrop {
  /** A file hovers over the window. */
  readonly over: Readonly<Ref<boolean>>;
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/** `path` is null where the host cannot tell it. */
export function useFileDrop(onFile: (path: string | null, name: string) => void): FileDrop {
  const over = ref(false);
  let depth = 0;

  useEventListener(window, 'dragenter', (event: DragEvent) => {
    if (carriesFiles(event)) over.value = ++depth > 0;
  });
  useEventListener(window, 'dragleave', () => {
    depth = Math.max(0, depth - 1);
    over.value = depth > 0;
  });
  useEventListener(window, 'drop', (event: DragEvent) => {
    depth = 0;
    over.value = false;
    for (const file of event.dataTransfer?.files ?? []) onFile(window.nextvecPathOf?.(file) ?? null, file.name);
  });
  return { over };
}
