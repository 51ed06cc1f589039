/**
 * The edited recipe: input of each field, the parsed recipe, and the problems by field. Kept while other pages are
 * shown. Not here: the preflight (use-preflight.ts).
 */
import { defineStore } from 'pinia';
import { computed, ref, type ComputedRef, type Ref } from 'vue';
import type { ModelType } from '#shared/domain/models/models.ts';
import { PRESETS, presetChanges, type Preset } from '#shared/domain/recipe/presets.ts';
import { LIFT_GATES } from '#shared/domain/recipe/gates.ts';
import { RECIPE_FIELDS, defaultAt, valueAt, withValue, type RecipeField } from '#shared/domain/recipe/recipe-fields.ts';
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

/** Input of the typed fields, by path. */
type Texts = Readonly<Record<string, string>>;
type Draft = Omit<Recipe, 'dataset'> & { readonly dataset: string };

function freshDraft(): Draft {
  return { ...RecipeSchema.parse({ dataset: '-', gates: [...LIFT_GATES] } satisfies RecipeInput), dataset: NO_DATASET };
}

function textsOf(draft: Draft): Texts {
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

/** The draft with its typed fields as they were typed: one that is wrong may break the type, until the schema has rejected it. */
function withTexts(draft: Draft, texts: Texts): Draft {
  let next = draft;
  for (const field of TYPED_FIELDS) next = withValue(next, field.path, parseTyped(field, texts[field.path]));
  return next;
}

/** As typed; for a model that is trained in another way the defaults, apart from data, gates, seed and engine. */
function baseFor(typed: Draft, modelType: ModelType): Draft {
  if (isFitted(modelType) === isFitted(typed.modelType)) return typed;
  const { dataset, ood, split, gates, seed, threads, engine } = typed;
  const kept = { dataset, ood, split, gates, seed, threads };
  return { ...freshDraft(), ...kept, modelType, ...(hasEngine(modelType, engine) && { engine }) };
}

function withChanges(draft: Draft, changes: Preset['changes']): Draft {
  let next = draft;
  for (const [key, value] of Object.entries(changes)) next = withValue(next, key, value);
  return next;
}

function holdsPreset(draft: Draft, preset: Preset, modelType: ModelType): boolean {
  return Object.entries(presetChanges(preset, modelType)).every(
    ([key, value]) => JSON.stringify(valueAt(draft, key)) === JSON.stringify(value),
  );
}

/** The recipe of a draft, and what is wrong with it. */
function useParsed(draft: Ref<Draft>, texts: Ref<Texts>) {
  const candidate = computed(() => withTexts(draft.value, texts.value));
  const parsed = computed(() => TrainableRecipeSchema.safeParse(candidate.value));
  /** The recipe as it would be started; null while a field is wrong. */
  const recipe = computed((): Recipe | null => parsed.value.data ?? null);
  /** Problems by field path. */
  const problems = computed(() =>
    parsed.value.success ? new Map<string, string>() : recipeProblems(parsed.value.error, candidate.value),
  );

  /** The draft with each invalid field at its default, so that it is always a valid recipe. */
  function soundRecipe(): Recipe {
    let sound = { ...candidate.value, dataset: draft.value.dataset || '-' };
    for (const path of problems.value.keys()) if (path !== 'dataset') sound = withValue(sound, path, defaultAt(path));
    return RecipeSchema.parse(sound);
  }

  return { candidate, recipe, problems, soundRecipe };
}

/** Changes of many fields at once: presets, and models that bring one. */
function usePresets(draft: Ref<Draft>, texts: Ref<Texts>, candidate: ComputedRef<Draft>) {
  function applyChanges(modelType: ModelType, changes: Preset['changes']): void {
    const next = withChanges(baseFor(candidate.value, modelType), changes);
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
    if (isFitted(modelType) === isFitted(draft.value.modelType)) draft.value = { ...draft.value, modelType };
    else applyChanges(modelType, presetOf(modelType)?.changes ?? {});
  }

  const preset = computed(
    () => PRESETS.find((one) => holdsPreset(candidate.value, one, draft.value.modelType)) ?? null,
  );

  return { preset, applyPreset, chooseModel };
}

export const useDraftStore = defineStore('draft', () => {
  const draft = ref<Draft>(freshDraft());
  const texts = ref<Texts>(textsOf(draft.value));
  const name = ref('');
  const tags = ref<string[]>([]);
  /** Address of the cluster the run is sent to; null: it trains here. */
  const on = ref<string | null>(null);
  /** Run the draft is compared with, or null. */
  const referenceId = ref<string | null>(null);

  const parsed = useParsed(draft, texts);

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

  function reset(): void {
    const { dataset, ood, engine, threads } = draft.value;
    draft.value = { ...freshDraft(), dataset, ood, engine, threads };
    texts.value = textsOf(draft.value);
    name.value = '';
    tags.value = [];
    on.value = null;
    referenceId.value = null;
  }

  const fields = { draft, texts, name, tags, on, referenceId };
  return { ...fields, ...parsed, ...usePresets(draft, texts, parsed.candidate), setText, set, setGates, take, reset };
});
