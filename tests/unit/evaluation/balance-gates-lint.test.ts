import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  balanceLambda,
  gradientShares,
  solveLambda,
  suggestedShares,
  type Lambda,
  type UnitNorms,
} from '#shared/domain/recipe/balance.ts';
import { readGates, sentinelControl } from '#shared/domain/recipe/gates.ts';
import type { LintContext } from '#shared/domain/recipe/lint-check.ts';
import { lintRecipe } from '#shared/domain/recipe/lint.ts';
import { RecipeSchema, type Gate, type RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { TERMS, byTerm, lambdaOf } from '#shared/domain/models/terms.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';

describe('balance', () => {
  const scale = fc.double({ min: -4, max: 3, noNaN: true }).map((power) => 10 ** power);
  const wobble = fc.double({ min: 0.3, max: 3, noNaN: true });
  const share = fc.double({ min: 0.02, max: 1, noNaN: true });

  it('brings every mean gradient share within half a point of the request', () => {
    const steps = fc.array(fc.tuple(wobble, wobble, wobble), { minLength: 1, maxLength: 20 });
    const norms = fc
      .tuple(scale, scale, scale, steps)
      .map(([a, b, c, rows]) => rows.map(([x, y, z]) => [a * x, b * y, c * z, 0, 0, 0]));
    fc.assert(
      fc.property(norms, share, share, share, (batches, a, b, c) => {
        const lambda = solveLambda({ mse: a, info_nce: b, moment: c }, batches);
        fc.pre(Math.max(...TERMS.map((term) => lambda[term])) < 1e6);
        const given = gradientShares(lambda, batches);
        expect(given.mse).toBeCloseTo(a / (a + b + c), 2);
        expect(given.info_nce).toBeCloseTo(b / (a + b + c), 2);
      }),
      { numRuns: 50, endOnFailure: true },
    );
  });

  it('keeps λ of the largest share and ignores terms not requested', () => {
    const lambda = solveLambda({ mse: 0.8, info_nce: 0.2 }, [[4e-4, 2, 1, 1, 1, 1]], 0.5);
    expect(lambda.mse).toBe(0.5);
    expect(lambda.info_nce).toBeCloseTo(0.5 * (0.2 / 0.8) * (4e-4 / 2), 8);
    expect([lambda.moment, lambda.anti_copy]).toEqual([0, 0]);
  });

  it('repeats the measurement where λ changes the gradients, until the shares hold', async () => {
    const measure = (lambda: Lambda): UnitNorms[] => [[1, 10 / (1 + 50 * lambda.info_nce), 0, 0, 0, 0]];
    const result = await balanceLambda({ mse: 0.5, info_nce: 0.5 }, measure, { rounds: 20 });
    expect(result.worst).toBeLessThan(0.05);
    expect(result.rounds.length).toBeGreaterThan(1);
  });

  it('names terms without gradient and refuses empty requests', async () => {
    const result = await balanceLambda({ mse: 0.9, directional: 0.1 }, () => [[1, 1, 1, 1, 0, 0]]);
    expect(result.silent).toEqual(['directional']);
    await expect(balanceLambda({ mse: 0 }, () => [])).rejects.toThrow(/above 0/);
  });

  it('suggests shares that sum to 1: MSE first, InfoNCE 0.2, every other trained term 0.05', () => {
    expect(suggestedShares(lambdaOf({ mse: 1 }))).toEqual(lambdaOf({ mse: 0.8, info_nce: 0.2 }));
    const trained = { mse: 1, info_nce: 1, moment: 1e-3, variance: 1e-3, directional: 1 };
    const shares = { mse: 0.65, info_nce: 0.2, moment: 0.05, variance: 0.05, directional: 0.05 };
    expect(suggestedShares(lambdaOf(trained))).toEqual(lambdaOf(shares));
  });
});

const record = (epoch: number, valCosine: number | null, oodMean = 0.4): EpochRecord =>
  ({
    type: 'epoch',
    epoch,
    valCosine,
    oodCosine: 0.3,
    baselines: {
      contextMean: { valCosine: 0.44, oodCosine: oodMean },
      lastVector: { valCosine: 0.4, oodCosine: oodMean },
    },
  }) as EpochRecord;

describe('gates', () => {
  const gate: Gate = { epoch: 3, metric: 'valLift', threshold: 0, action: 'stop' };

  it('checks a gate at its epoch only and reports figure, threshold and action', () => {
    expect(readGates([gate], record(2, 0.3), 10)).toEqual([]);
    const [reading] = readGates([gate], record(3, 0.3), 10);
    expect(reading).toMatchObject({ passed: false, broken: false });
    expect(reading.value).toBeCloseTo(-0.14, 12);
    expect(reading.message).toMatch(/−0\.1400.*stopped/);
    expect(readGates([{ ...gate, epoch: 'end' }], record(10, 0.5), 10)[0].passed).toBe(true);
  });

  it('fails an unmeasured figure', () => {
    expect(readGates([gate], record(3, null), 10)[0]).toMatchObject({ passed: false, value: null });
  });

  it('reads the lift over the best baseline, and the lower end of an interval where the gate asks for it', () => {
    const measured = { ...record(3, 0.45), intervals: { valLift: { low: -0.01, high: 0.03 } } };
    const best: Gate = { ...gate, metric: 'valBestLift' };
    expect(readGates([best], measured, 10)[0].value).toBeCloseTo(0.01, 12);
    const [plain, low] = readGates([gate, { ...gate, bound: 'low' }], measured, 10);
    expect([plain.passed, low.passed, low.value]).toEqual([true, false, -0.01]);
    expect(low.message).toContain('lower end of the validation lift');
    expect(readGates([{ ...best, bound: 'low' }], measured, 10)[0]).toMatchObject({ passed: false, value: null });
  });

  it('blames the evaluation, not the model, when the baselines fail on the OOD set too', () => {
    expect(sentinelControl(record(3, 0.5, 0.01).baselines)).toMatch(/^Evaluation broken/);
    expect(sentinelControl(record(3, 0.5).baselines)).toBeNull();
    const ood: Gate = { epoch: 3, metric: 'oodCosine', threshold: 0.4, action: 'stop' };
    expect(readGates([ood, gate], record(3, 0.5, 0.01), 10).map((r) => r.broken)).toEqual([true, false]);
  });
});

describe('lint', () => {
  const context = (recipe: Partial<RecipeInput>, more: Partial<LintContext> = {}): LintContext => ({
    recipe: RecipeSchema.parse({ dataset: 'd', ood: 'o', ...recipe }),
    D: 768,
    trainRows: 20_000,
    passport: null,
    firstBatches: null,
    split: { sharedVectors: 0, sharedArticles: 0, trainArticles: 100 },
    ood: { sharedVectors: 0, space: null },
    earlier: null,
    deviceRefusal: null,
    ...more,
  });
  const paths = (c: LintContext) => lintRecipe(c).map(({ severity, path }) => `${severity} ${path}`);
  const lambda = lambdaOf({ mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3 });

  it('reports nothing for a plain recipe on clean data', () => {
    expect(lintRecipe(context({}))).toEqual([]);
  });

  it('reports a model that the GPU cannot hold, unless auto can take another engine', () => {
    const device = { deviceRefusal: 'It has about 3000 bytes.' };
    expect(paths(context({ engine: 'webgpu' }, device))).toEqual(['error batchSize']);
    expect(paths(context({ engine: 'webgpu' }, { deviceRefusal: '' }))).toEqual([]);
    expect(paths(context({ engine: 'auto' }, device))).toEqual([]);
  });

  it('flags λ 0.5/0.5/1e-3/1e-3 before anything is measured: balance, variance hinge, moment batch', () => {
    expect(paths(context({ lambda }))).toEqual([
      'warning lambda.info_nce',
      'warning varianceTarget',
      'warning batchSize',
    ]);
  });

  it('uses measured shares when available', () => {
    const row = (gradShare: number) => ({ value: 1, weighted: 1, share: gradShare, gradShare });
    const rest = byTerm(() => row(0));
    const two = { ...lambda, moment: 0, variance: 0 };
    const bad = context({ lambda: two }, { firstBatches: { ...rest, mse: row(0.002), info_nce: row(0.998) } });
    expect(lintRecipe(bad)[0].message).toContain('99.8 %');
    const good = context({ lambda: two }, { firstBatches: { ...rest, mse: row(0.6), info_nce: row(0.4) } });
    expect(lintRecipe(good)).toEqual([]);
  });

  it('refuses a Gram mixture of too few training articles', () => {
    const of = (modelType: 'amn' | 'gram', trainArticles: number) =>
      paths(
        context(
          { modelType, lr: 5e-3, batchSize: 1024, lambda: { mse: 0, cosine: 1 } },
          { split: { sharedVectors: 0, sharedArticles: 0, trainArticles } },
        ),
      );
    expect(of('gram', 7)).toEqual(['error dataset']);
    expect(of('gram', 8)).toEqual([]);
    expect(of('amn', 2)).toEqual([]);
  });

  it('names what the model type does not use, in place of remarks on its batch', () => {
    const gram = { modelType: 'gram', lr: 5e-3, batchSize: 1024 } as const;
    expect(paths(context({ ...gram, lambda: { mse: 0, cosine: 1 } }))).toEqual([]);
    expect(paths(context({ ...gram, lambda: { mse: 1, info_nce: 0.5 } }))).toEqual(['warning lambda.info_nce']);
    const off = { neighbours: 'off' } as const;
    expect(paths(context({ ...gram, gram: off }))).toEqual([]);
    expect(paths(context({ gram: off }))).toEqual(['warning gram.neighbours']);
  });

  it('reports leaks, OOD overlap, missing OOD, batches too small for moment, more data with equal epochs', () => {
    expect(paths(context({}, { split: { sharedVectors: 9, sharedArticles: 1, trainArticles: 100 } }))).toEqual([
      'warning split.kind',
    ]);
    expect(paths(context({}, { ood: { sharedVectors: 1, space: null } }))).toEqual(['warning ood']);
    expect(paths(context({ ood: null }, { ood: null }))).toEqual(['info ood']);
    expect(paths(context({ batchSize: 1, lambda: { ...lambda, info_nce: 0, variance: 0 } }))[0]).toBe(
      'error batchSize',
    );
    expect(paths(context({ epochs: 20 }, { earlier: { name: '#1', trainRows: 15_000, epochs: 20 } }))).toEqual([
      'info epochs',
    ]);
  });
});
