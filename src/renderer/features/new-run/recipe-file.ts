/** Reads a recipe file of the host into the form, as `train --recipe` does. The form is unchanged on errors. */
import { client } from '../../rpc.ts';
import { toast, toastError } from '../../ui/feedback/toasts.ts';
import { baseName, pickFile } from '../../stores/file-picker.ts';
import type { useDraftStore } from '../../stores/draft-store.ts';

export async function takeRecipeFile(
  draft: ReturnType<typeof useDraftStore>,
  isHere: (dataset: string) => boolean,
): Promise<void> {
  const path = await pickFile('recipe');
  if (path === null) return;
  try {
    const { recipe, fileName, notes } = await client.runs.readRecipeFile({ path, base: draft.soundRecipe() });
    draft.take(recipe);
    if (!isHere(recipe.dataset)) draft.set('dataset', '');
    toast(`${fileName} read into the form`, { kind: 'good', detail: notes.join(' ') || null });
  } catch (cause) {
    toastError(`${baseName(path)} was not read into the form`, cause);
  }
}
