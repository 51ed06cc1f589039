/**
 * Asks for a file: `const path = await pickFile('run')`. The native dialog where the host has one, else the window's own
 * (FilePicker.vue, once, in the shell). Not here: the data set's chooser, which asks for import options too.
 */
import { readonly, ref, shallowRef } from 'vue';
import type { FilePurpose } from '#shared/contract/app.ts';
import { client } from '../rpc.ts';
import { toastError } from '../ui/feedback/toasts.ts';
import { useAppStore } from './app-store.ts';

interface Asked {
  readonly purpose: FilePurpose;
  readonly answer: (path: string | null) => void;
}

const asked = shallowRef<Asked | null>(null);
export const askedFile = readonly(asked);
/** Where the person last looked; null: the folders the host was started with. */
export const lastFolder = ref<string | null>(null);

/** Name of a file in the host's notation. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

/** null: the person chose none, or the dialog could not be shown (then that was said). */
export async function pickFile(purpose: FilePurpose): Promise<string | null> {
  if (useAppStore().info?.nativeDialogs) {
    try {
      return (await client.app.files.choose({ purpose })).path;
    } catch (cause) {
      toastError('The file dialog could not be shown', cause);
      return null;
    }
  }
  asked.value?.answer(null);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const answer = (path: string | null) => {
    asked.value = null;
    resolve(path);
  };
  asked.value = { purpose, answer };
  return promise;
}
