/**
 * The edited recipe: input of each field, the parsed recipe, and the problems by field. Kept while other pages are
 * shown. Not here: the preflight (use-preflight.ts).
 */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import type { ModelType } from '#shared/domain/models/models.ts';
import { PRESETS, presetChanges, type Preset } from '#shared/domain/recipe/presets.ts';
import { LIFT_GATES } from '#shared/domain/recipe/gates.ts';
import { RECIPE_FIELDS, defaultAt, valueAt, withValue, type RecipeField } from '#shared/domain/recipe/recipe-fields.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import {
  RecipeSchema,
  TrainableRecipeSchema,
  type Gate,
  type Recipe,
  type RecipeInput,
} from '#shared/domain/recipe/recipe.ts';
import { hasEngine, isFitted, presetOf } from './model-fields.ts';
import { formatInput } from '../ui/text/format.ts';
import { recipeProblems } from './recipe-problems.ts';

const TYPED_FIELDS = RECIPE_FIELDS.filter((field) => field.kind !== 'choice');
/** Means "no data set yet"; the schema rejects it. */
const NO_DATASET = '';

type Draft = Omit<Recipe, 'dataset'> & { readonly dataset: string };

function freshDraft(): Draft {
  return { ...RecipeSchema.parse({ dataset: '-', gates: [...LIFT_GATES] } satisfies RecipeInput), dataset: NO_DATASET };
}

function textsOf(draft: Draft): Record<string, string> {
  return Object.fromEntries(TYPED_FIELDS.map(({ path }) => [path, formatInput(valueAt(draft, path))]));
}

/** Parses a number field: empty is null, a comma is a decimal point. */
function parseNumber(text: string): number | null {
  const plain = text.trim().replace('−', '-').replace(',', '.');
  return plain === '' ? null : Number(plain);
}

function parseTyped({ kind }: RecipeField, text: string): unknown {
  if (kind !== 'articles') return parseNumber(text);
  return text.trim() === '' ? undefined : text;
}

export const useDraftStore = defineStore('draft', () => {
  const draft = ref<Draft>(freshDraft());
  const texts = ref<Record<string, string>>(textsOf(draft.value));
  const name = ref('');
  const tags = ref<string[]>([]);
  /** Address of the cluster the run is sent to; null: it trains here. */
  const on = ref<string | null>(null);
  /** Run the draft is compared with, or null. */
  const referenceId = ref<string | null>(null);

  const candidate = computed((): object => {
    let next: object = draft.value;
    for (const field of TYPED_FIELDS) next = withValue(next, field.path, parseTyped(field, texts.value[field.path]));
    return next;
  });
  const parsed = computed(() => TrainableRecipeSchema.safeParse(candidate.value));
  /** The recipe as it would be started; null while a field is wrong. */
  const recipe = computed((): Recipe | null => parsed.value.data ?? null);
  /** Problems by field path. */
  const problems = computed(() =>
    parsed.value.success ? new Map<string, string>() : recipeProblems(parsed.value.error, candidate.value),
  );

  /** The draft with each invalid field at its default, so that it is always a valid recipe. */
  function soundRecipe(): Recipe {
    let sound: object = { ...candidate.value, dataset: draft.value.dataset || '-' };
    for (const path of problems.value.keys()) if (path !== 'dataset') sound = withValue(sound, path, defaultAt(path));
    return RecipeSchema.parse(sound);
  }

  function setText(path: string, text: string): void {
    texts.value = { ...texts.value, [path]: text };
  }

  function set(path: string, value: unknown): void {
    draft.value = withValue(draft.value, path, value);
  }

  function setGates(gates: readonly Gate[]): void {
    set('gates', [...gates]);
  }

  function take(next: Recipe): void {
    draft.value = RecipeSchema.parse(next);
    texts.value = textsOf(next);
  }

  /** As typed; for a model that is trained in another way the defaults, apart from data, gates, seed and engine. */
  function baseFor(modelType: ModelType): Draft {
    const typed = candidate.value as Draft;
    if (isFitted(modelType) === isFitted(typed.modelType)) return typed;
    const { dataset, ood, split, gates, seed, threads, engine } = typed;
    const kept = { dataset, ood, split, gates, seed, threads };
    return { ...freshDraft(), ...kept, modelType, ...(hasEngine(modelType, engine) && { engine }) };
  }

  function applyChanges(modelType: ModelType, changes: Preset['changes']): void {
    const next = { ...baseFor(modelType), ...changes } as Draft;
    draft.value = next;
    texts.value = { ...texts.value, ...textsOf(next) };
  }

  /** Applies the changes of a preset; other fields stay as typed. */
  function applyPreset(preset: Preset): void {
    const changes = presetChanges(preset, draft.value.modelType);
    applyChanges(changes.modelType ?? draft.value.modelType, changes);
  }

  /** One that is trained in another way brings the settings of its preset, or the defaults. */
  function chooseModel(modelType: ModelType): void {
    if (isFitted(modelType) === isFitted(draft.value.modelType)) set('modelType', modelType);
    else applyChanges(modelType, presetOf(modelType)?.changes ?? {});
  }

  function holdsPreset(preset: Preset): boolean {
    return Object.entries(presetChanges(preset, draft.value.modelType)).every(
      ([key, value]) => JSON.stringify(valueAt(candidate.value, key)) === JSON.stringify(value),
    );
  }
  const preset = computed(() => PRESETS.find(holdsPreset) ?? null);

  function differences(other: Recipe) {
    return recipe.value === null ? [] : recipeDiff(other, recipe.value);
  }

  function reset(): void {
    const { dataset, ood, engine, threads } = draft.value;
    draft.value = { ...freshDraft(), dataset, ood, engine, threads };
    texts.value = textsOf(draft.value);
    name.value = '';
    tags.value = [];
    on.value = null;
    referenceId.value = null;
  }

  return {
    draft,
    texts,
    name,
    tags,
    on,
    referenceId,
    candidate,
    recipe,
    problems,
    preset,
    setText,
    set,
    setGates,
    take,
    applyPreset,
    chooseModel,
    soundRecipe,
    differences,
    reset,
  };
});
