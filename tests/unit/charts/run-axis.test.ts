/** Where steps of a run lie on the time axis of Compare. */
import { expect, test } from 'vitest';
import type { RunDetail } from '#shared/contract/runs.ts';
import type { EpochRecord } from '#shared/domain/runs/training.ts';
import { runAxis } from '../../../src/renderer/features/compare/run-axis.ts';
import { run } from '../../component/support/fixtures.ts';
import { epochRecord } from '../../support/epoch-record.ts';

const TIME = { unit: 'time', stepsPerEpoch: 1 } as const;

function detail(changes: Parameters<typeof run>[1], durations: readonly (number | null)[]): RunDetail {
  const epochs = durations.map((durationMs, i): EpochRecord => ({ ...epochRecord(i + 1), durationMs }));
  return { run: run(1, changes), epochs, epochsStatedBy: null, gates: [], log: [], commandLine: '' };
}

test('adds up the durations of epochs, and of steps within an epoch in proportion', () => {
  const axis = runAxis(detail({ step: 20, durationMs: 4000 }, [1000, 3000]), TIME);
  expect([0, 5, 10, 15, 20].map((step) => axis?.toX(step))).toEqual([0, 500, 1000, 2500, 4000]);
  expect([0, 500, 1000, 2500, 4000].map((ms) => axis?.toStep(ms))).toEqual([0, 5, 10, 15, 20]);
});

test('an epoch under way takes its time from the clock of the run, steps after that from its rate', () => {
  const axis = runAxis(detail({ step: 14, durationMs: 1800 }, [1000]), TIME);
  expect([12, 14, 16].map((step) => axis?.toX(step))).toEqual([1400, 1800, 2200]);
});

test('uses the clock of the run alone where the duration of an epoch is unknown', () => {
  const axis = runAxis(detail({ step: 20, durationMs: 4000 }, [null, 3000]), TIME);
  expect(axis?.toX(10)).toBe(2000);
});

test('an epoch of a Gram mixture records the mean over all epochs so far, the fit included', () => {
  const gram = { recipe: { modelType: 'gram' as const }, step: 20, durationMs: 11_000 };
  const axis = runAxis(detail(gram, [10_000, 5500]), TIME);
  expect([10, 20].map((step) => axis?.toX(step))).toEqual([10_000, 11_000]);
});

test('a run without a recorded time has no place on a time axis', () => {
  expect(runAxis(detail({ step: 0, durationMs: 0 }, []), TIME)).toBeNull();
  expect(runAxis(detail({ step: 10, durationMs: 0 }, []), { unit: 'step', stepsPerEpoch: 1 })?.toX(4)).toBe(4);
});
