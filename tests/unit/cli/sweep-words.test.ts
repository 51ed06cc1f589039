/** What `sweep` says of its members and its winner. */
import { expect, test } from 'vitest';
import type { QueueItem, Sweep } from '#shared/contract/plans.ts';
import { createOutput } from '../../../src/main/cli/output.ts';
import { printSweep } from '../../../src/main/cli/commands/sweep.ts';

const spread = (mean: number) => ({ mean, std: null, n: 1 });
const member = (number: number, lift: number) => ({
  member: number,
  point: { lr: 1e-3 },
  epochs: 2,
  state: 'finished',
  figures: { valLift: spread(lift), oodLift: spread(lift) },
  intervals: { valLift: { low: lift - 0.005, high: lift + 0.005 } },
  runs: [],
});

/** The lines printed for a sweep in which member 1 has this lift and the plain recipe 0.01. */
function lines(lift: number, status: QueueItem['status'], indistinguishable: number[] = []): string[] {
  const members = [member(0, 0.01), member(1, lift)];
  const winner = lift > 0.01 ? 1 : 0;
  const spec = { method: 'grid', seeds: 1, objective: 'valLift', axes: [] };
  const gainIntervals = { validation: { low: 0.012, high: 0.028 }, ood: null };
  const state = { spec, members, winner, rungs: [2], indistinguishable, gainIntervals, recipe: null, commandLine: '' };
  const item = { id: 'i', planId: 'p', status, reason: '', title: 'Sweep' };
  const printed: string[] = [];
  const stream = { write: (text: string) => printed.push(text.trimEnd()) };
  printSweep(
    state as unknown as Sweep,
    item as unknown as QueueItem,
    createOutput(false, { stdout: stream, stderr: stream }),
  );
  return printed;
}

test('the heading counts the seeds', () => {
  expect(lines(0.03, 'done')[0]).toMatch(/^grid, 1 seed, by valLift/);
});

test('a member that wins is named with its gain over the plain recipe', () => {
  expect(lines(0.03, 'done').at(-1)).toBe(
    'Member 1 wins by valLift; over the plain recipe it gains +0.0200 [+0.0120, +0.0280] validation lift, +0.0200 OOD lift.',
  );
});

test('a plain recipe that wins gains nothing over itself', () => {
  expect(lines(0, 'done').at(-1)).toBe('No member is better than the plain recipe by valLift.');
});

test('a sweep that has not ended has a winner so far only', () => {
  expect(lines(0.03, 'running').at(-1)).toMatch(/^So far: Member 1/);
});

test('figures of members have their intervals where they were measured', () => {
  const row = lines(0.03, 'done').find((line) => line.endsWith('winner'));
  expect(row).toMatch(/\+0\.0300 \[\+0\.0250, \+0\.0350\] +\+0\.0300 +winner$/);
});

test('a winner is held against the members it is not distinguishable from', () => {
  expect(lines(0.03, 'done', [0, 2, 5]).at(-1)).toBe(
    'Not distinguishable from 3 others over the articles and seeds measured: the plain recipe, member 2 and member 5.',
  );
});
