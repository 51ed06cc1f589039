/** The file of the dialog that imports a run, which any page can open. The dialog itself is in the shell. */
import { readonly, ref } from 'vue';
import { pickFile } from './file-picker.ts';

const path = ref<string | null>(null);
/** File to import; null: the dialog is closed. */
export const runFile = readonly(path);

/** Asks for a checkpoint or history; the dialog opens once one is chosen. */
export async function chooseRunFile(): Promise<void> {
  path.value = (await pickFile('run')) ?? path.value;
}

export function forgetRunFile(): void {
  path.value = null;
}
