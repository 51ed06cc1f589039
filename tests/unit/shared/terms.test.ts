/** The table of loss terms, and what is derived from it or read with fewer or more terms than it has. */
import { describe, expect, it } from 'vitest';
import { PRESETS } from '#shared/domain/recipe/presets.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import { RECIPE_FIELDS, withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { DEFAULT_LAMBDA, RecipeSchema, TrainableRecipeSchema, unknownTerms } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_TABLE, byTerm, isTermDefined } from '#shared/domain/models/terms.ts';
import { EpochRecordSchema, STEP_COLUMNS, TERM_NOT_MEASURED } from '#shared/domain/runs/training.ts';
import { lossTerms } from '../../reference/losses.ts';
import { TERM_STYLES } from '../../../src/renderer/charts/drawing/series-style.ts';

const FIGURES = { value: 0.5, weighted: 0.25, share: 0.1, gradShare: 0.2 };
const RECIPE = RecipeSchema.parse({ dataset: 'd' });
const [LAST] = TERMS.slice(-1);

/** `record` without the entry `name`. */
function without<V>(record: Readonly<Record<string, V>>, name: string): Record<string, V> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

describe('derived from the table', () => {
  it.each(TERMS)('%s has a recipe field, defaults, step series and a chart style', (term) => {
    const { flag, help, label } = TERM_TABLE[term];
    expect(RECIPE_FIELDS.find(({ path }) => path === `lambda.${term}`)).toMatchObject({ flag, help });
    expect(RECIPE.lambda[term]).toBe(DEFAULT_LAMBDA[term]);
    for (const kind of ['value', 'share', 'gradShare']) expect(STEP_COLUMNS).toContain(`${kind}/${term}`);
    expect(TERM_STYLES[term].label).toBe(label);
  });

  it('only MSE is trained on by default', () => {
    expect(TERMS.filter((term) => DEFAULT_LAMBDA[term] > 0)).toEqual(['mse']);
  });

  it('flags, labels and line styles are unique', () => {
    const looks = TERMS.map((term) => JSON.stringify(TERM_TABLE[term].line));
    const flags = RECIPE_FIELDS.map(({ flag }) => flag);
    const labels = TERMS.map((term) => TERM_TABLE[term].label);
    for (const list of [looks, flags, labels]) expect(new Set(list).size).toBe(list.length);
  });

  it('a preset sets every λ it does not name to 0', () => {
    const [first] = PRESETS;
    expect(first.changes.lambda).toEqual(byTerm((term) => (term === 'mse' ? 1 : 0)));
  });

  it('every preset is a recipe that can be trained, and undoes the fields of the others', () => {
    for (const { changes } of PRESETS) TrainableRecipeSchema.parse({ dataset: 'd', ...changes });
    const undone = ['skip', 'start', 'inputs', 'augment', 'lambda', 'lr', 'batchSize', 'epochs'] as const;
    for (const { id, changes } of PRESETS)
      expect({ id, missing: undone.filter((key) => !(key in changes)) }).toEqual({ id, missing: [] });
  });

  it.each([
    [2, 2],
    [1, 2],
    [2, 1],
    [1, 1],
  ])('says which terms a batch of %i rows with %i context vectors defines, as the formulas do', (B, T) => {
    const [raw, target, context] = [B, B, B * T].map((rows) =>
      Float64Array.from({ length: 3 * rows }, (_, i) => i + 1),
    );
    const loss = { weights: DEFAULT_LAMBDA, tau: 1, marginDirectional: 0, marginAntiCopy: 0, varianceTarget: 1 };
    const values = lossTerms({ raw, target, context, B, T, D: 3 }, loss);
    expect(TERMS.filter((term) => isTermDefined(term, B, T))).toEqual(
      TERMS.filter((term) => !Number.isNaN(values[term].value)),
    );
  });

  it('moment and variance need two rows, directional two context vectors', () => {
    for (const term of ['moment', 'variance'] as const) expect(isTermDefined(term, 1, 2)).toBe(false);
    expect(isTermDefined('directional', 2, 1)).toBe(false);
  });
});

describe('recipes of other versions', () => {
  it('an absent λ has its default', () => {
    const lambda = without(DEFAULT_LAMBDA, LAST);
    expect(RecipeSchema.parse({ dataset: 'd', lambda }).lambda).toEqual(DEFAULT_LAMBDA);
  });

  it('λ of an unknown term is kept, reported, and part of a recipe diff', () => {
    const recipe = RecipeSchema.parse({ dataset: 'd', lambda: { mse: 0, later: 0.5, unused: 0 } });
    expect(recipe.lambda).toMatchObject({ mse: 0, later: 0.5 });
    expect(unknownTerms(recipe.lambda)).toEqual(['later']);
    const diff = recipeDiff(recipe, withValue(recipe, 'lambda.later', 0));
    expect(diff).toEqual([{ path: 'lambda.later', label: 'λ later', a: 0.5, b: 0 }]);
  });
});

describe('epoch records of other versions', () => {
  const record = {
    type: 'epoch',
    epoch: 1,
    step: 7,
    trainLoss: 1,
    trainCosine: 0.1,
    valLoss: 1,
    valCosine: 0.1,
    oodLoss: null,
    oodCosine: null,
    lr: 1e-3,
    gradNorm: 1,
    rowsPerSecond: 1,
    durationMs: 1,
    terms: byTerm(() => FIGURES),
    partGradNorms: byTerm(() => 0.5),
    diversity: { predictions: null, targets: null },
    effectiveRank: { predictions: null, targets: null },
    nonFiniteRows: 0,
    isBest: true,
    baselines: {},
  };

  it('an absent term reads as not measured', () => {
    const { terms, partGradNorms } = EpochRecordSchema.parse({
      ...record,
      terms: without(record.terms, LAST),
      partGradNorms: without(record.partGradNorms, LAST),
    });
    expect(terms).toEqual({ ...record.terms, [LAST]: TERM_NOT_MEASURED });
    expect(partGradNorms).toEqual({ ...record.partGradNorms, [LAST]: null });
  });

  it('an unknown term is kept', () => {
    const terms = { ...record.terms, later: FIGURES };
    const partGradNorms = { ...record.partGradNorms, later: 0.25 };
    expect(EpochRecordSchema.parse({ ...record, terms, partGradNorms })).toMatchObject({ terms, partGradNorms });
  });
});
