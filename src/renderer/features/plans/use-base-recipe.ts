/** The base recipe of a plan or a sweep: data, an earlier run's recipe or the defaults, and flags on top. */
import { computed, ref, watch } from 'vue';
import type { RecipeChanges } from '#shared/domain/plans/plans.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { applyChanges, parseCommandLine } from '#shared/domain/recipe/command-line.ts';
import { useDatasetsStore } from '../../stores/datasets-store.ts';
import { recipeProblems } from '../../stores/recipe-problems.ts';
import { useRunsStore } from '../../stores/runs-store.ts';
import { usualData } from '../../stores/usual-data.ts';
import { z } from 'zod';

export const DEFAULTS = 'defaults';

/** The recipe with the flags applied, or what is wrong with them. */
export function readFlags(text: string, base: Recipe): { recipe: Recipe | null; problem: string | null } {
  try {
    const { changes, unknown } = parseCommandLine(text);
    if (unknown.length > 0) return { recipe: null, problem: `Not known: ${unknown.join(', ')}.` };
    if (changes.size === 0 && text.trim() !== '')
      return { recipe: null, problem: 'Write flags as on the command line, e.g. --lr 1e-3 --epochs 5.' };
    return { recipe: applyChanges(base, changes), problem: null };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return { recipe: null, problem: [...recipeProblems(error, base).values()].join(' ') };
  }
}

export function changesOf(recipe: Recipe): RecipeChanges {
  const { dataset: _dataset, ood: _ood, ...changes } = recipe;
  return changes;
}

export function useBaseRecipe() {
  const datasets = useDatasetsStore();
  const runs = useRunsStore();
  const name = ref('');
  const dataset = ref('');
  const ood = ref('');
  /** DEFAULTS, or the id of a run. */
  const like = ref(DEFAULTS);
  const flags = ref('');
  /** Address of the cluster that the runs are sent to; null: they train here. */
  const on = ref<string | null>(null);

  function chooseData(): void {
    if (datasets.byId.has(dataset.value)) return;
    const usual = usualData();
    dataset.value = usual?.dataset ?? '';
    ood.value = usual?.ood ?? '';
  }
  watch([() => datasets.loaded, () => runs.loaded, () => datasets.list.length], chooseData, { immediate: true });

  const start = computed((): Recipe => {
    const run = runs.byId.get(like.value);
    const data = { dataset: dataset.value || '-', ood: ood.value || null };
    return RecipeSchema.parse({ ...run?.recipe, ...data });
  });
  const read = computed(() => readFlags(flags.value, start.value));
  const problem = computed(() => {
    if (dataset.value === '') return 'Choose the data set to train on, or import one.';
    return read.value.problem;
  });

  return { name, dataset, ood, like, flags, on, chooseData, recipe: computed(() => read.value.recipe), problem };
}
export type BaseRecipe = ReturnType<typeof useBaseRecipe>;
