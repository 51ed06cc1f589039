/**
 * Recipe fields as they read for a model: help, choices and default. Of a model that is fitted only the gate networks train
 * in epochs, and its defaults are those of its preset.
 */
import { modelRow, type ModelType } from '#shared/domain/models/models.ts';
import { PRESETS, type Preset } from '#shared/domain/recipe/presets.ts';
import { defaultAt, valueAt, type RecipeField } from '#shared/domain/recipe/recipe-fields.ts';
import type { EngineChoice } from '#shared/domain/recipe/recipe.ts';

const HELP_OF_FIT: Readonly<Record<string, string>> = {
  epochs: 'Of the gate networks: passes over the windows that train them. One learning-rate cycle spans them all.',
  batchSize: 'Of the gate networks: windows per optimiser step.',
  lr: 'Of the gate networks: highest AdamW step size; it rises to it and falls again over the epochs.',
  weightDecay: 'Of the gate networks: decoupled (AdamW), on all their parameters.',
  seed: 'Decides split, clusters, turned windows, and initial weights and batches of the gate networks.',
  engine: 'Only the simd engine fits this model; auto takes it.',
};
const ENGINES_OF_FIT: readonly EngineChoice[] = ['auto', 'simd'];

export function isFitted(type: ModelType): boolean {
  return modelRow(type).training === 'fit';
}

export function helpOf(type: ModelType, { path, help }: RecipeField): string {
  return isFitted(type) ? (HELP_OF_FIT[path] ?? help) : help;
}

export function hasEngine(type: ModelType, engine: EngineChoice): boolean {
  return !isFitted(type) || ENGINES_OF_FIT.includes(engine);
}

/** Empty: the field is a number. */
export function choicesOf(type: ModelType, { path, choices = [] }: RecipeField): readonly string[] {
  return isFitted(type) && path === 'engine' ? ENGINES_OF_FIT : choices;
}

/** The preset without which a fitted model is not well trained; undefined: of another model. */
export function presetOf(type: ModelType): Preset | undefined {
  return isFitted(type) ? PRESETS.find(({ changes }) => changes.modelType === type) : undefined;
}

export function defaultOf(type: ModelType, path: string): unknown {
  return valueAt(presetOf(type)?.changes, path) ?? defaultAt(path);
}
