/** What `sweep` says of its winner. */
import { expect, test } from 'vitest';
import type { QueueItem, Sweep } from '#shared/contract/plans.ts';
import { createOutput } from '../../../src/main/cli/output.ts';
import { printSweep } from '../../../src/main/cli/sweep.ts';

const spread = (mean: number) => ({ mean, std: null, n: 1 });
const member = (number: number, lift: number) => ({
  member: number,
  point: { lr: 1e-3 },
  epochs: 2,
  state: 'finished',
  figures: { valLift: spread(lift), oodLift: spread(lift) },
  runs: [],
});

/** The lines printed for a sweep in which member 1 has this lift and the plain recipe 0.01. */
function lines(lift: number, status: QueueItem['status']): string[] {
  const members = [member(0, 0.01), member(1, lift)];
  const winner = lift > 0.01 ? 1 : 0;
  const spec = { method: 'grid', seeds: 1, objective: 'valLift', axes: [] };
  const state = { spec, members, winner, rungs: [2], indistinguishable: [], recipe: null, commandLine: '' };
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

test('a member that wins is named with its gain over the plain recipe', () => {
  expect(lines(0.03, 'done').at(-1)).toBe(
    'Member 1 wins by valLift; over the plain recipe it gains +0.0200 validation lift, +0.0200 OOD lift.',
  );
});

test('a plain recipe that wins gains nothing over itself', () => {
  expect(lines(0, 'done').at(-1)).toBe('No member is better than the plain recipe by valLift.');
});

test('a sweep that has not ended has a winner so far only', () => {
  expect(lines(0.03, 'running').at(-1)).toMatch(/^So far: Member 1/);
});
