/** Curves of an imported run: by step where they were logged so, else by epoch. */
import { expect, test } from 'vitest';
import { NO_POINTS, rawPoints } from '../../../src/renderer/charts/data/columns.ts';
import { stepsPerEpoch } from '../../../src/renderer/parts/run-words.ts';
import { endOf, statedPoints } from '../../../src/renderer/parts/stated-curves.ts';
import { run } from '../../component/support/fixtures.ts';
import { epochRecord } from '../../support/epoch-record.ts';

const epochs = [1, 2, 3].map((epoch) => ({ ...epochRecord(epoch), trainLoss: epoch === 2 ? null : 10 - epoch }));
const withoutSteps = epochs.map((epoch) => ({ ...epoch, step: 0 }));

test('an epoch ends at its step, or at its number where the history has no steps', () => {
  expect(epochs.map(endOf)).toEqual([10, 20, 30]);
  expect(withoutSteps.map(endOf)).toEqual([1, 2, 3]);
});

test('steps without a value are left out, so that the line has no gaps', () => {
  const steps = rawPoints(Float64Array.of(1, 2, 3, 4), Float32Array.of(Number.NaN, 5, Number.NaN, 4));
  const { x, mean } = statedPoints('total', steps, epochs, endOf);
  expect([[...x], [...mean]]).toEqual([
    [2, 4],
    [5, 4],
  ]);
});

test('a curve without steps has the figures of the epochs', () => {
  const { x, mean } = statedPoints('total', NO_POINTS, withoutSteps, endOf);
  expect([[...x], [...mean]]).toEqual([
    [1, 3],
    [9, 7],
  ]);
  expect([...statedPoints('value/mse', NO_POINTS, epochs, endOf).mean]).toEqual(Array(3).fill(Math.fround(0.1)));
  expect(statedPoints('gradShare/mse', NO_POINTS, epochs, endOf)).toBe(NO_POINTS);
});

test('steps per epoch of an imported run are those of its file; 1 without steps', () => {
  const stated = { epoch: null, valCosine: null };
  const source = { file: 'h.json', format: 'json' as const, sha256: '', at: 0, stated, golden: null, measured: null };
  expect(stepsPerEpoch(run(1, { imported: source, epoch: 4, step: 100, trainRows: null }))).toBe(25);
  expect(stepsPerEpoch(run(1, { imported: source, epoch: 4, step: 0, trainRows: null }))).toBe(1);
});
