/** How runs share the machine, in words; progress of several runs. */
import { expect, test } from 'vitest';
import { meanProgress } from '#shared/domain/runs/progress.ts';
import { parallelWords, sharingWords } from '#shared/domain/runs/sharing.ts';

test('says how many runs train at once and what was measured', () => {
  const measured = [
    { runs: 1, threads: 2, rowsPerSecond: 8300.4 },
    { runs: 2, threads: 1, rowsPerSecond: 13_900 },
  ];
  expect(sharingWords({ most: 2, measured })).toBe(
    'up to 2 runs at once (measured: 1 × 2 threads 8,300 rows/s, 2 × 1 thread 13,900 rows/s)',
  );
  expect(sharingWords({ most: 3, measured: [] })).toBe('up to 3 runs at once');
  expect([1, 4, 'auto' as const].map(parallelWords)).toEqual([
    'one run trains at a time',
    'up to 4 runs train at once',
    'as many runs train at once as are fastest',
  ]);
});

test('the progress of several runs is their mean; a run that has just started counts as 0', () => {
  expect(meanProgress([{ step: 5, totalSteps: 10 }])).toBe(0.5);
  expect(
    meanProgress([
      { step: 5, totalSteps: 10 },
      { step: 0, totalSteps: null },
    ]),
  ).toBe(0.25);
  expect(meanProgress([{ step: 0, totalSteps: null }])).toBeNull();
});
