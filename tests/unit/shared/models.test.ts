/** The table of models, and what is derived from it. */
import { describe, expect, it } from 'vitest';
import { MODEL_TYPES, defaultSpec, modelRow, modelsThat, positionWidth } from '#shared/domain/models/models.ts';
import { OTHER_MODELS } from '#shared/domain/plans/plan-templates.ts';
import { RECIPE_FIELDS } from '#shared/domain/recipe/recipe-fields.ts';
import { RecipeSchema, seesOrder } from '#shared/domain/recipe/recipe.ts';
import { noAttention } from '../../../src/renderer/features/predict/prediction-words.ts';

describe('the table of models', () => {
  it('gives the choices and the help of the model field', () => {
    const field = RECIPE_FIELDS.find(({ path }) => path === 'modelType');
    expect(field?.choices).toEqual(MODEL_TYPES);
    for (const type of MODEL_TYPES) expect(field?.help).toContain(modelRow(type).help);
  });

  it.each(MODEL_TYPES)('the default skip path and start of a recipe are the first ones of %s', (type) => {
    const { skip, start } = RecipeSchema.parse({ dataset: 'd', modelType: type });
    expect([skip, start]).toEqual([modelRow(type).skips[0], modelRow(type).starts[0]]);
  });

  it('modelsThat names the models that match', () => {
    expect(modelsThat(({ starts }) => starts.includes('least-squares'))).toBe('AMN');
    expect(modelsThat(({ attention }) => attention === 'none')).toBe('LSTM, GRU stack and Gram mixture');
    expect(OTHER_MODELS).toEqual(['lstm', 'gru', 'transformer']);
  });

  it('attention that a model does not have is "none", otherwise "not measured"', () => {
    expect(MODEL_TYPES.map(noAttention)).toEqual(['not measured', 'none', 'none', 'not measured', 'none']);
  });

  it('only AMN without the positional skip path does not see the order of its context', () => {
    const blind = MODEL_TYPES.filter((modelType) => !seesOrder({ modelType, skip: 'mean' }));
    expect(blind).toEqual(['amn']);
    expect(seesOrder({ modelType: 'amn', skip: 'positional' })).toBe(true);
  });

  it('only the Transformer adds positions to its input', () => {
    expect(MODEL_TYPES.map((type) => positionWidth(defaultSpec(type, 5, 8)))).toEqual([null, null, null, 512, null]);
  });
});
