/** The trainer's state as JSON: it survives a round trip, and states of version 1 are read. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addStep, emptySums, termTable } from '#engine/trainer/epoch-sums.ts';
import { TERMS, TERM_COUNT, lambdaOf } from '#shared/domain/models/terms.ts';
import { TERM_NOT_MEASURED } from '#shared/domain/runs/training.ts';
import { TrainerStateSchema, type EpochSums, type TrainerState } from '#shared/domain/runs/trainer-state.ts';

const LOSS = {
  weights: lambdaOf({ mse: 1, moment: 0.1 }),
  tau: 0.07,
  marginDirectional: 0.05,
  marginAntiCopy: 0.02,
  varianceTarget: 1,
};

function stateWith(sums: EpochSums): TrainerState {
  return {
    version: 2,
    seed: 3,
    epoch: 2,
    position: 7,
    step: 12,
    lr: 5e-4,
    scheduler: { best: null, badEpochs: 1 },
    stopping: { best: 0.4, badEpochs: 1 },
    best: { epoch: 1, step: 10, valLoss: 0.1, valCosine: 0.4, oodCosine: null },
    sums,
    durationMs: 10.5,
    trainMs: 9.25,
    rowsTrained: 70,
  };
}

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => x + 0);
const perTerm = (value: fc.Arbitrary<number>) =>
  fc.array(value, { minLength: TERM_COUNT, maxLength: TERM_COUNT }).map((values) => Float64Array.from(values));
const step = fc.record({
  total: finite,
  cosine: finite,
  gradNorm: finite,
  /** Undefined terms are NaN. */
  values: perTerm(fc.oneof(finite, fc.constant(Number.NaN))),
  gradNorms: perTerm(fc.oneof(finite, fc.constant(Number.NaN))),
});

test('a state after any steps survives JSON', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 64 })), { maxLength: 5 }), (steps) => {
      const sums = emptySums();
      for (const [stats, rows] of steps) addStep(sums, stats, rows);
      const state = stateWith(sums);
      expect(TrainerStateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
    }),
  );
});

test('a state of version 1 is read with its six terms by name', () => {
  const { sums: _sums, ...rest } = stateWith(emptySums());
  const totals = { rows: 16, steps: 1, total: 8, cosine: 4, gradNorm: 2, trainMs: 5, evaluationMs: 0 };
  const values = [1, 2, 0, 4, 5, 6];
  const old = {
    ...rest,
    version: 1,
    sums: { ...totals, termRows: [16, 16, 0, 16, 16, 16], values, gradShares: [0.1, 0.2, 0, 0.4, 0.5, 0.6] },
  };
  const state = TrainerStateSchema.parse(old);
  expect(state).toEqual(
    stateWith({
      ...totals,
      terms: {
        mse: { rows: 16, value: 1, gradShare: 0.1 },
        info_nce: { rows: 16, value: 2, gradShare: 0.2 },
        moment: { rows: 0, value: 0, gradShare: 0 },
        variance: { rows: 16, value: 4, gradShare: 0.4 },
        directional: { rows: 16, value: 5, gradShare: 0.5 },
        anti_copy: { rows: 16, value: 6, gradShare: 0.6 },
      },
    }),
  );
});

test('a state of version 1 whose sums are not six numbers each is refused', () => {
  const { sums: _sums, ...rest } = stateWith(emptySums());
  const totals = { rows: 16, steps: 1, total: 8, cosine: 4, gradNorm: 2, trainMs: 5, evaluationMs: 0 };
  const six = [0, 0, 0, 0, 0, 0];
  const parse = (values: unknown[]) =>
    TrainerStateSchema.safeParse({ ...rest, version: 1, sums: { ...totals, termRows: six, values, gradShares: six } });
  expect(parse(six).success).toBe(true);
  expect(parse(six.slice(1)).success).toBe(false);
  expect(parse([...six.slice(1), null]).success).toBe(false);
});

test('a term without sums is not measured; sums of an unknown term are ignored', () => {
  const sums = { ...emptySums(), rows: 4, terms: { mse: { rows: 4, value: 2, gradShare: 4 }, later: sumsOfLater } };
  const table = termTable(LOSS, sums);
  expect(table.mse).toEqual({ value: 0.5, weighted: 0.5, share: 1, gradShare: 1 });
  for (const term of TERMS.filter((name) => name !== 'mse')) expect(table[term]).toEqual(TERM_NOT_MEASURED);
  expect(TrainerStateSchema.parse(stateWith(sums)).sums.terms.later).toEqual(sumsOfLater);
});
const sumsOfLater = { rows: 4, value: 1, gradShare: 0 };
