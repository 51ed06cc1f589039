/** Sizes that no model can have are refused by every way into training; history that holds them can still be read. */
import { describe, expect, test } from 'vitest';
import { inferModel } from '#shared/domain/models/infer-model.ts';
import { GRADIENT_TYPES, INPUT_SHIFTS, defaultGradientSpec, defaultSpec } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { parsePlan } from '#shared/domain/plans/plans.ts';
import { applyChanges, parseCommandLine } from '#shared/domain/recipe/command-line.ts';
import { parseRecipeFile } from '#shared/domain/recipe/recipe-file.ts';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { readRecipe as readFlags } from '../../../src/main/cli/flags/recipe-flags.ts';
import { readRecipe as readStored } from '../../../src/main/store/stored-json.ts';

interface Case {
  readonly modelType: 'amn' | 'transformer';
  readonly sizes: Readonly<Record<string, number>>;
  readonly word: string;
  readonly why: RegExp;
}

const CASES: readonly Case[] = [
  {
    modelType: 'transformer',
    sizes: { dModel: 16, heads: 3 },
    word: 'dModel=16,heads=3',
    why: /dModel of 16 cannot be split into 3/,
  },
  // The published model has 8 heads.
  { modelType: 'transformer', sizes: { dModel: 100 }, word: 'dModel=100', why: /100 cannot be split into 8/ },
  { modelType: 'amn', sizes: { hiddenDim: 1 }, word: 'hiddenDim=1', why: /hiddenDim cannot be 1/ },
  { modelType: 'amn', sizes: { heads: 4 }, word: 'heads=4', why: /AMN has no size/ },
];

describe.each(CASES)('$modelType with $word', ({ modelType, sizes, word, why }) => {
  const recipe = { modelType, sizes };
  const items = (more: object) => ({ name: 'p', dataset: 'd', items: [{ key: 'a', recipe, ...more }] });

  test('is refused', () => {
    expect(() => readFlags({ modelType, sizes: word }, 'd', null)).toThrow(why);
    expect(() => parseRecipeFile(recipe, 'recipe.json')).toThrow(why);
    const { changes } = parseCommandLine(`--model-type ${modelType} --sizes ${word}`);
    expect(() => applyChanges(RecipeSchema.parse({ dataset: 'd' }), changes)).toThrow(why);
    expect(() => parsePlan(items({ kind: 'train' }), 'plan.json')).toThrow(why);
    const sweep = { axes: [{ kind: 'values', path: 'lr', values: [1e-3, 1e-4] }] };
    expect(() => parsePlan(items({ kind: 'sweep', sweep }), 'plan.json')).toThrow(why);
  });

  test('can still be read from the history', () => {
    const stored = { ...RecipeSchema.parse({ dataset: 'd' }), ...recipe };
    expect(readStored(JSON.stringify(stored))).toMatchObject(recipe);
    expect(RecipeSchema.parse(stored)).toMatchObject(recipe);
  });
});

test.each(INPUT_SHIFTS)('the tensors of a model say that its inputs are %s', (inputs) => {
  for (const type of GRADIENT_TYPES) {
    const spec = { ...defaultGradientSpec(type, 3, 8), inputs };
    const shapes = new Map(parameterShapes(spec).map(({ name, shape }) => [name, shape]));
    expect(inferModel(shapes, { T: 3 }, 'a.pt').spec).toEqual(spec);
  }
});

test('weights with heads that do not divide their width are refused', () => {
  const spec = { ...defaultSpec('transformer', 5, 8), dModel: 16, feedForward: 8, numLayers: 1 };
  const shapes = new Map(parameterShapes(spec).map(({ name, shape }) => [name, shape]));
  expect(() => inferModel(shapes, { heads: 3 }, 'a.pt')).toThrow(/16 cannot be split into 3/);
  expect(inferModel(shapes, { heads: 4 }, 'a.pt').spec).toMatchObject({ dModel: 16, heads: 4 });
});
