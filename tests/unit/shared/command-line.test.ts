import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  commandLine,
  parseCommandLine,
  parseSchedule,
  parseSizes,
  splitWords,
} from '#shared/domain/recipe/command-line.ts';
import { unknownFields } from '#shared/domain/recipe/field-names.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import { RECIPE_FIELDS, defaultAt, valueAt, withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { INPUT_SHIFTS } from '#shared/domain/models/models.ts';
import { byTerm, lambdaOf } from '#shared/domain/models/terms.ts';

const base = RecipeSchema.parse({ dataset: 'd1' });

const arbitraryRecipe: fc.Arbitrary<Recipe> = fc
  .record({
    modelType: fc.constantFrom('amn', 'lstm', 'gru', 'transformer'),
    epochs: fc.integer({ min: 1, max: 1000 }),
    batchSize: fc.integer({ min: 1, max: 4096 }),
    lr: fc.double({ min: 1e-7, max: 10, noNaN: true }),
    tau: fc.double({ min: 1e-4, max: 100, noNaN: true }),
    seed: fc.nat(),
    threads: fc.option(fc.integer({ min: 1, max: 256 })),
    engine: fc.constantFrom('auto', 'simd', 'wasm'),
    schedule: fc.oneof(
      fc.constant({ kind: 'constant' }),
      fc.record({
        kind: fc.constant('cosine'),
        warmUp: fc.double({ min: 0, max: 0.99, noNaN: true }).map((x) => x + 0),
        floor: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0),
      }),
      fc.record({
        kind: fc.constant('plateau'),
        factor: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        patience: fc.integer({ min: 0, max: 50 }),
        threshold: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    ),
    gates: fc.array(
      fc.record({
        epoch: fc.oneof(fc.integer({ min: 1, max: 99 }), fc.constant('end')),
        metric: fc.constantFrom('valCosine', 'oodLift', 'valBestLift'),
        bound: fc.constantFrom('low', undefined),
        // Text has no −0.
        threshold: fc.double({ min: -1, max: 1, noNaN: true }).map((x) => x + 0),
        action: fc.constantFrom('warn', 'pause', 'stop'),
      }),
      { maxLength: 4 },
    ),
    earlyStopping: fc.record({
      on: fc.constantFrom('off', 'validation'),
      patience: fc.integer({ min: 1, max: 50 }),
      minGain: fc.double({ min: 0, max: 2, noNaN: true }).map((x) => x + 0),
    }),
    split: fc.record({ excludedArticles: fc.constantFrom(undefined, '3', '-5--2,7-12') }),
    varianceTarget: fc.constantFrom('one', 'reachable'),
    inputs: fc.constantFrom('absolute', ...INPUT_SHIFTS),
    augment: fc.record({ isometry: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0) }),
    lambda: fc.record({
      ...byTerm(() => fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true }))),
      mse: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    }),
  })
  .map((fields) => RecipeSchema.parse({ dataset: 'd1', ...fields }));

describe('command line of a recipe', () => {
  it('round trip gives the same recipe', () => {
    fc.assert(
      fc.property(arbitraryRecipe, (recipe) => {
        const parsed = parseCommandLine(commandLine(recipe, { data: 'a.npz', ood: null }));
        expect(parsed.unknown).toEqual([]);
        expect(applyChanges(base, parsed.changes)).toEqual(recipe);
      }),
    );
  });

  it('quotes file names so that shell and form agree', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (data, ood) => {
        fc.pre(!data.startsWith('--') && !ood.startsWith('--'));
        const parsed = parseCommandLine(commandLine(base, { data, ood }));
        expect([parsed.data, parsed.ood]).toEqual([data, ood]);
      }),
    );
  });

  it('reads a command line of the original trainer with continuation lines', () => {
    const parsed = parseCommandLine(
      'PYTHONPATH=. python3 train.py \\\n  --model-type amn --data "my data.npz" --epochs=30 \\\n --lambda-info 0.5 --device mps --compile',
    );
    expect(parsed.data).toBe('my data.npz');
    expect(Object.fromEntries(parsed.changes)).toEqual({
      modelType: 'amn',
      epochs: 30,
      'lambda.info_nce': 0.5,
      device: 'mps',
    });
    expect(parsed.unknown).toEqual(['--compile']);
  });

  it('splits words like a POSIX shell', () => {
    expect(splitWords(`a 'b c' "d \\"e\\"" f\\ g  h`)).toEqual(['a', 'b c', 'd "e"', 'f g', 'h']);
  });

  it('refuses a value outside its range and names the field', () => {
    expect(() => applyChanges(base, new Map([['epochs', 0]]))).toThrow(/epochs/);
  });
});

describe('recipe fields', () => {
  it('refer to fields of the schema', () => {
    for (const field of RECIPE_FIELDS) expect(unknownFields(withValue({}, field.path, null))).toEqual([]);
    for (const field of RECIPE_FIELDS) expect(defaultAt(field.path)).toEqual(valueAt(base, field.path));
  });

  it('have distinct flags', () => {
    expect(new Set(RECIPE_FIELDS.map((f) => f.flag)).size).toBe(RECIPE_FIELDS.length);
  });

  it('diff lists exactly the changed fields', () => {
    const changed = withValue(withValue(base, 'lambda.info_nce', 0.5), 'seed', 9);
    expect(recipeDiff(base, changed).map((d) => d.path)).toEqual(['lambda.info_nce', 'seed']);
    expect(recipeDiff(base, base)).toEqual([]);
  });

  it('a recipe without any weight is refused with the remedy', () => {
    const lambda = lambdaOf({});
    expect(() => RecipeSchema.parse({ dataset: 'd', lambda })).toThrow(/at least one term/);
  });
});

it('refuses a size that no model has, with the sizes there are', () => {
  expect(() => parseSizes('foo=1')).toThrow(
    expect.objectContaining({ code: 'BAD_RECIPE', remedy: expect.stringContaining('dModel') }),
  );
});

it('a schedule that does not exist is refused by the name of the field', () => {
  const issue = { path: ['schedule', 'kind'], message: expect.stringContaining('plateau, constant and cosine') };
  expect(() => parseSchedule('cosin')).toThrow(expect.objectContaining({ issues: [expect.objectContaining(issue)] }));
});
