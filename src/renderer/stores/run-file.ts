/** Opening the dialog that imports a run, from any page. The dialog itself is in the shell. */
import { readonly, ref } from 'vue';
import { pickFile } from './file-picker.ts';

const path = ref<string | null>(null);
/** File that waits to be imported; null: the dialog is closed. */
export const runFile = readonly(path);

/** Asks for a checkpoint first; the dialog opens once there is one. */
export async function chooseRunFile(): Promise<void> {
  path.value = (await pickFile('run')) ?? path.value;
}

export function forgetRunFile(): void {
  path.value = null;
}
