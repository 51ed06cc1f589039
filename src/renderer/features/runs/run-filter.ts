/** Which runs the table shows: those that match the search and every choice. */
import { computed, ref } from 'vue';
import type { RunStatus, RunSummary } from '#shared/contract/runs.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { recipeBrief } from '../../ui/text/recipe-brief.ts';
import { statusLabel } from '../../ui/text/run-status.ts';

function matches(run: RunSummary, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { number, name, datasetName, oodName, tags, notes, recipe } = run;
  const model = MODEL_LABELS[recipe.modelType];
  const parts = [`#${number}`, name, statusLabel(run), model, datasetName, oodName, ...tags, notes];
  const text = [...parts, recipeBrief(recipe)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** An empty choice lets everything through. */
function allows(chosen: readonly string[], value: string): boolean {
  return chosen.length === 0 || chosen.includes(value);
}

export function useRunFilter() {
  const query = ref('');
  const statuses = ref<RunStatus[]>([]);
  const models = ref<string[]>([]);
  const datasets = ref<string[]>([]);

  const filtering = computed(
    () => query.value.trim() !== '' || statuses.value.length + models.value.length + datasets.value.length > 0,
  );

  function filtered(runs: readonly RunSummary[]): RunSummary[] {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    return runs.filter(
      (run) =>
        allows(statuses.value, run.status) &&
        allows(models.value, run.recipe.modelType) &&
        allows(datasets.value, run.datasetName) &&
        matches(run, words),
    );
  }

  function clearFilters(): void {
    query.value = '';
    statuses.value = [];
    models.value = [];
    datasets.value = [];
  }

  return { query, statuses, models, datasets, filtering, filtered, clearFilters };
}
