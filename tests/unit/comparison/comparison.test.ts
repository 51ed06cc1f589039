import { describe, expect, it } from 'vitest';
import { openClaim, settleClaim } from '#shared/domain/verdicts/claims.ts';
import { compareRuns } from '#shared/domain/evaluation/compare-runs.ts';
import type { ComparableRun } from '#shared/domain/evaluation/comparison.ts';
import { metricText } from '#shared/domain/evaluation/comparison-text.ts';
import { RecipeSchema, type RecipeInput } from '#shared/domain/recipe/recipe.ts';
import { TERMS, lambdaOf, type Term } from '#shared/domain/models/terms.ts';
import type { TermTable } from '#shared/domain/runs/training.ts';

const MSE_ONLY = lambdaOf({ mse: 1 });

function terms(gradShares: Partial<Record<Term, number>>): TermTable {
  const row = (term: Term) => ({
    value: 1,
    weighted: 1,
    share: gradShares[term] ?? 0,
    gradShare: gradShares[term] ?? 0,
  });
  return Object.fromEntries(TERMS.map((term) => [term, row(term)])) as Record<Term, ReturnType<typeof row>>;
}

function run(
  number: number,
  valCosine: number | null,
  recipe: Partial<RecipeInput> = {},
  more: Partial<ComparableRun> = {},
): ComparableRun {
  return {
    id: `run-${number}`,
    number,
    name: `run ${number}`,
    status: 'finished',
    recipe: RecipeSchema.parse({ dataset: 'd1', ...recipe }),
    isImported: false,
    task: { context: 5, history: null },
    figures: {
      valCosine,
      oodCosine: null,
      valLift: valCosine === null ? null : valCosine - 0.4,
      oodLift: null,
      valLoss: null,
      baselineVal: 0.4,
      baselineOod: null,
      bestEpoch: 3,
      epochs: 5,
      trainRows: 1000,
      parameters: 10,
      rowsPerSecond: 100,
      durationMs: 1000,
      statedVal: null,
    },
    data: { 'Training set': 'docs', sha256: 'aaaa' },
    code: { 'Nextvec version': '0.1.0', Engine: 'simd 1' },
    deterministic: true,
    terms: terms({ mse: 1 }),
    ...more,
  };
}

const codes = (runs: ComparableRun[]) => compareRuns(runs).verdicts.map((verdict) => verdict.code);

describe('comparison of runs', () => {
  it('has a row of its own for figures that an imported file states, without differences', () => {
    const measured = run(1, 0.4);
    const imported = run(2, null);
    const stated = { ...imported, figures: { ...imported.figures, statedVal: 0.46 } };
    const labels = (runs: ComparableRun[]) => compareRuns(runs).metrics.map(({ label }) => label);
    expect(labels([measured, imported])).not.toContain('Validation cosine, stated by its file');
    const row = compareRuns([measured, stated]).metrics.at(-1);
    expect(row).toMatchObject({ metric: 'statedVal', values: [null, 0.46], deltas: [null, null], better: 'none' });
  });

  it('a difference whose interval contains 0 is not distinguishable, however large', () => {
    const runs = [run(1, 0.4), run(2, 0.42, { lr: 1e-3 })];
    const paired = (low: number, high: number) => [null, { validation: { low, high }, ood: null }];
    const unclear = compareRuns(runs, paired(-0.003, 0.043));
    expect(unclear.verdicts.map(({ code }) => code)).toEqual(['SAME_RESULT']);
    expect(unclear.verdicts[0].message).toContain('+0.0200 [−0.0030, +0.0430], not distinguishable');
    expect(unclear.metrics.find(({ metric }) => metric === 'valLift')?.intervals).toEqual([
      null,
      { low: -0.003, high: 0.043 },
    ]);
    expect(unclear.metrics.find(({ metric }) => metric === 'oodCosine')?.intervals).toEqual([null, null]);
    expect(compareRuns(runs, paired(0.011, 0.029)).verdicts.map(({ code }) => code)).toEqual(['ONE_CHANGE']);
  });

  it('of different tasks says so and explains nothing else', () => {
    const history = { context: 5, history: 8 };
    const runs = [run(1, 0.4), run(2, 0.45, { lr: 1e-3 }, { task: history, data: { Task: 'other' } })];
    const { verdicts } = compareRuns(runs);
    expect(verdicts.map(({ code, severity }) => [code, severity])).toEqual([['DIFFERENT_TASK', 'warning']]);
    expect(verdicts[0].message).toContain('#2 solves another task than #1: it reads 5 chunks with a history of 8');
    expect(codes([run(1, 0.4), run(2, 0.45, { lr: 1e-3 }, { task: null })])).toEqual(['ONE_CHANGE']);
  });

  it('gives deltas and percent against the first run, null where not measured', () => {
    const { metrics } = compareRuns([run(1, 0.4), run(2, 0.5), run(3, null)]);
    const val = metrics.find((row) => row.metric === 'valCosine');
    expect(val?.values).toEqual([0.4, 0.5, null]);
    expect(val?.deltas[1]).toBeCloseTo(0.1, 12);
    expect(val?.percents[1]).toBeCloseTo(25, 9);
    expect([val?.deltas[2], val?.percents[2]]).toEqual([null, null]);
  });

  it('gives each cosine and lift the interval of its run', () => {
    const interval = { low: 0.38, high: 0.42 };
    const { metrics } = compareRuns([run(1, 0.4, {}, { intervals: { valCosine: interval } }), run(2, 0.5)]);
    const of = (metric: string) => metrics.find((row) => row.metric === metric)?.valueIntervals;
    expect(of('valCosine')).toEqual([interval, null]);
    expect(of('valLoss')).toEqual([null, null]);
    expect(metricText('valCosine', 0.4, interval)).toBe('0.4000 [0.3800, 0.4200]');
  });

  it('reports identical recipes and names other differences', () => {
    const same = compareRuns([run(1, 0.4), run(2, 0.4)]);
    expect([same.identicalRecipes, same.recipeDiff]).toEqual([true, []]);
    expect(same.verdicts[0].message).toContain('identical recipes');
    expect(codes([run(1, 0.4), run(2, 0.42)])).toEqual(['UNEXPLAINED']);
    const engine = compareRuns([
      run(1, 0.4),
      run(2, 0.42, {}, { code: { 'Nextvec version': '0.1.0', Engine: 'wasm 4' } }),
    ]);
    expect(engine.verdicts[0]).toMatchObject({ code: 'IDENTICAL_RECIPES', evidence: { codeChanges: 1 } });
    expect(engine.verdicts[0].message).toContain('Engine');
  });

  it('compares facts where they are known', () => {
    const facts: ComparableRun['data'][] = [
      { name: 'docs', articles: 3 },
      { name: 'docs' },
      { name: 'novel', articles: 3 },
    ];
    const engines: ComparableRun['code'][] = [{ Engine: 'simd 1' }, {}, { Engine: 'cpu 4' }];
    const { dataDiff } = compareRuns(facts.map((data, i) => run(i, 0.4, {}, { data })));
    expect(dataDiff).toEqual([{ field: 'name', label: 'name', values: ['docs', 'docs', 'novel'] }]);
    const { codeDiff } = compareRuns(engines.map((code, i) => run(i, 0.4, {}, { code })));
    expect(codeDiff[0].values).toEqual(['simd 1', 'not known', 'cpu 4']);
  });

  it('compares of an imported run only what its file states, and puts nothing down to it', () => {
    const imported = run(2, 0.42, { lr: 1e-3 }, { isImported: true });
    const result = compareRuns([run(1, 0.4, { lr: 1e-4, epochs: 7 }), imported]);
    expect(result.recipeDiff).toEqual([{ field: 'lr', label: 'Learning rate', values: [1e-4, 1e-3] }]);
    expect(result.verdicts.map(({ code }) => code)).toEqual(['PARTLY_STATED']);
    expect(result.verdicts[0].message).toContain('known to differ: Learning rate');
    const third = compareRuns([run(1, 0.4), imported, run(3, 0.5, { epochs: 7 })]);
    expect(third.recipeDiff.find(({ field }) => field === 'epochs')?.values.slice(1)).toEqual(['not stated', 7]);
    const same = compareRuns([run(1, 0.4), run(2, 0.4, {}, { isImported: true })]);
    expect(same).toMatchObject({ recipeDiff: [], identicalRecipes: false, isPartial: true });
    expect(same.verdicts[0].message).toBe(
      '#2 was imported with part of the recipe; what is stated is the same. The rest may differ too, and may explain the difference.',
    );
  });

  it('attributes the difference to a single change, to none of several, and handles seeds', () => {
    expect(codes([run(1, 0.4), run(2, 0.45, { lr: 1e-3 })])).toEqual(['ONE_CHANGE']);
    expect(codes([run(1, 0.4), run(2, 0.45, { lr: 1e-3, epochs: 7 })])).toEqual(['SEVERAL_CHANGES']);
    // λ is no field of a Gram mixture.
    expect(codes([run(1, 0.4), run(2, 0.45, { modelType: 'gram', lambda: lambdaOf({ cosine: 1 }) })])).toEqual([
      'ONE_CHANGE',
    ]);
    expect(codes([run(1, 0.4), run(2, 0.42, { seed: 9 })])).toEqual(['ONLY_SEED']);
    expect(codes([run(1, 0.4), run(2, 0.402, { lr: 1e-3 })])).toEqual(['SAME_RESULT']);
  });

  it('finds loss imbalance in the worse run only', () => {
    const lambda = { ...MSE_ONLY, mse: 0.5, info_nce: 0.5 };
    const unbalanced = run(2, 0.3, { lambda }, { terms: terms({ mse: 0.001, info_nce: 0.999 }) });
    expect(codes([run(1, 0.4), unbalanced])).toContain('LOSS_OUT_OF_BALANCE');
    expect(codes([unbalanced, run(1, 0.2)])).not.toContain('LOSS_OUT_OF_BALANCE');
  });

  it('attributes a drop to harder data where the baseline dropped as much', () => {
    const harder = run(2, 0.3, {}, { data: { 'Training set': 'other', sha256: 'bbbb' } });
    const moved = { ...harder, figures: { ...harder.figures, baselineVal: 0.31 } };
    expect(codes([run(1, 0.4), moved])).toContain('HARDER_DATA');
    expect(codes([run(1, 0.4), harder])).toContain('DIFFERENT_DATA');
  });

  it('needs two runs', () => {
    expect(() => compareRuns([run(1, 0.4)])).toThrow(/two runs/);
  });
});

describe('claims', () => {
  const claim = { metric: 'valCosine' as const, low: 0.4, high: 0.45, basis: 'run #1 reached 0.42.' };
  const figures = (valCosine: number | null) => ({ valCosine, oodCosine: null, valLift: null, oodLift: null });

  it('is met at or above its lower bound, missed below, open while unmeasured; gives both figures', () => {
    expect(settleClaim(claim, figures(0.4), 'r')).toMatchObject({ outcome: 'met', measured: 0.4, runId: 'r' });
    expect(settleClaim(claim, figures(0.5), 'r').message).toContain('above it');
    const missed = settleClaim(claim, figures(0.36), 'r');
    expect(missed.outcome).toBe('missed');
    expect(missed.message).toContain('0.4000 to 0.4500');
    expect(missed.message).toContain('0.3600');
    expect(settleClaim(claim, figures(null), 'r')).toEqual(openClaim(claim));
  });
});
