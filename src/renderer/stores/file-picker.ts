/**
 * Asks for a file: `const path = await pickFile('run')`. Shows the native dialog where the host has one, else
 * shell/FilePicker.vue.
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
/** Folder browsed last; null: the folders given with --root. */
export const lastFolder = ref<string | null>(null);

/** File name of a path of the host. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

/** Resolves to null when no file was chosen or the dialog failed (shown as a toast). */
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
