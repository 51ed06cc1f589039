/** The data a new recipe starts with: that of the newest run, else the first data set with a fitting OOD set. */
import { misfit } from '../parts/misfit.ts';
import { useDatasetsStore } from './datasets-store.ts';
import { useRunsStore } from './runs-store.ts';

const isOod = ({ name }: { readonly name: string }) => /ood/i.test(name);

/** null while there is no data set. */
export function usualData(): { readonly dataset: string; readonly ood: string | null } | null {
  const { list, byId } = useDatasetsStore();
  const known = useRunsStore().all.find((run) => byId.has(run.recipe.dataset))?.recipe;
  const first = byId.get(known?.dataset ?? '') ?? list.find((set) => !isOod(set));
  if (!first) return null;
  const fitting = list.find((set) => set.id !== first.id && isOod(set) && misfit(first, set) === '');
  return { dataset: first.id, ood: known?.ood ?? fitting?.id ?? null };
}
