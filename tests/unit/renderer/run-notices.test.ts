/** Notices about runs: once per ended run and per missed gate. */
import { describe, expect, test } from 'vitest';
import type { RunChange, RunSummary } from '#shared/contract/runs.ts';
import type { Gate } from '#shared/domain/recipe/recipe.ts';
import { announcementOf } from '../../../src/renderer/shell/announcement.ts';

const best = { epoch: 4, step: 400, valLoss: 1e-3, valCosine: 0.4213, oodCosine: null };

function changed(status: RunSummary['status'], reason = ''): RunChange {
  return { type: 'changed', run: { id: 'a', name: 'night', status, reason, best, tags: [] as string[] } as RunSummary };
}

const live = () => true;
const gone = () => false;

describe('a run', () => {
  test.each(['queued', 'starting', 'running', 'paused'] as const)('with status %s gives no notice', (status) => {
    expect(announcementOf(changed(status), live)).toBeNull();
  });

  test.each([
    ['finished', 'good', 'night finished'],
    ['stopped', 'info', 'night was stopped'],
    ['failed', 'bad', 'night failed'],
    ['interrupted', 'bad', 'night was interrupted'],
  ] as const)('that is %s gives one notice', (status, kind, title) => {
    const body = 'Because. Best epoch 4: validation 0.4213, OOD not measured.';
    expect(announcementOf(changed(status, 'Because.'), live)).toEqual({ runId: 'a', kind, notice: { title, body } });
    expect(announcementOf(changed(status, 'Because.'), gone)).toBeNull();
  });

  test('gives no notice when deleted', () => {
    expect(announcementOf({ type: 'deleted', runId: 'a' }, live)).toBeNull();
  });
});

describe('a missed gate', () => {
  const message = 'Gate at epoch 3: OOD lift −0.1 is below 0.';
  const missed = (action: Gate['action'], tags: string[] = []): RunChange => {
    const gate = { epoch: 3, metric: 'oodLift', threshold: 0, action } as const;
    const result = { type: 'gate', gate, epoch: 3, value: -0.1, passed: false, broken: false, message } as const;
    return { type: 'gate', run: { id: 'a', name: 'night', status: 'running', tags } as RunSummary, result };
  };

  test.each([
    ['warn', 'info'],
    ['pause', 'bad'],
    ['stop', 'bad'],
  ] as const)('with action %s uses the words of the history', (action, kind) => {
    const notice = { title: 'night missed a gate', body: message };
    expect(announcementOf(missed(action), gone)).toEqual({ runId: 'a', kind, notice });
  });

  test('of a sweep member is left to the sweep', () => {
    expect(announcementOf(missed('stop', ['plan 2', 'sweep']), gone)).toBeNull();
  });
});
