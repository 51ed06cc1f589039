/** The stages of a Gram mixture in words, and the progress of the whole fit. */
import { expect, test } from 'vitest';
import { fitProgress, listStages, partKinds, stageWords } from '../../../src/renderer/parts/fit-words.ts';
import { progressOf, statusNotice, stepsPerEpoch, timeWords } from '../../../src/renderer/parts/run-words.ts';
import { recipeBrief } from '../../../src/renderer/ui/text/recipe-brief.ts';
import { run } from '../../component/support/fixtures.ts';

/** A running fit with four clusters, so with nine stages. */
function fit(index: number, fraction: number, epochsDone = 0) {
  const stage = { name: 'stage', index, count: 9, fraction };
  const recipe = { modelType: 'gram', epochs: 12, batchSize: 1024, lr: 5e-3 } as const;
  return { ...run(1, { status: 'running', step: 0, epochsDone, trainRows: 5000, recipe }), stage };
}

test('every stage is done, running or pending', () => {
  const now = fit(4, 0.4);
  expect(listStages(now, now.stage).map(({ label, state }) => `${label}: ${state}`)).toEqual([
    'Clusters: done',
    'Position weights: done',
    'Ridges: done',
    'Cross-fit 1 of 4: done',
    'Cross-fit 2 of 4: now',
    'Cross-fit 3 of 4: to come',
    'Cross-fit 4 of 4: to come',
    'Final fit: to come',
    'Gate networks: to come',
  ]);
  expect(stageWords(now, now.stage)).toBe('Cross-fit 2 of 4, 40\u202f%');
  expect(progressOf(now)).toBeCloseTo(4.4 / 9);
});

test('the stage of the gate networks shows its epochs', () => {
  const now = fit(8, 0.9, 3);
  expect(listStages(now, now.stage).at(-1)).toMatchObject({ label: 'Gate networks', state: 'now', fraction: 3 / 12 });
  expect(stageWords(now, now.stage)).toBe('Gate networks: epoch 4 of 12');
  expect(fitProgress(now, now.stage)).toBeCloseTo(8.25 / 9);
  const last = fit(8, 1, 12);
  expect(stageWords(last, last.stage)).toBe('Gate networks: epoch 12 of 12');
  expect(fitProgress(last, last.stage)).toBe(1);
});

test('fewer clusters give fewer stages', () => {
  const now = { ...fit(0, 0), stage: { name: 'clusters', index: 0, count: 7, fraction: 0 } };
  const labels = listStages(now, now.stage).map(({ label }) => label);
  expect(labels.slice(3)).toEqual(['Cross-fit 1 of 2', 'Cross-fit 2 of 2', 'Final fit', 'Gate networks']);
});

test('a fit that ended early says after which epoch of the gate networks', () => {
  const { stage: _stage, ...ended } = fit(4, 0.4);
  expect(statusNotice({ ...ended, status: 'interrupted' })?.title).toBe(
    'Interrupted before the first epoch of the gate networks',
  );
  expect(statusNotice({ ...ended, status: 'stopped', epochsDone: 3 })?.title).toBe(
    'Stopped after 3 epochs of the gate networks',
  );
  const failed = statusNotice({ ...ended, status: 'failed', reason: 'the loss is NaN' });
  expect(failed?.remedy).toBe('The numbers ran away. Repeat with a lower learning rate.');
});

test('one epoch is one step of its charts, and has no time estimate', () => {
  expect(stepsPerEpoch(fit(8, 0))).toBe(1);
  expect(timeWords({ ...fit(4, 0.4), etaMs: null })).toBe('');
});

test('the part kinds and the short text follow the recipe', () => {
  const { recipe } = fit(0, 0);
  expect(recipeBrief(recipe)).toBe('all parts · 12 ep · B 1024 · lr 5e-3');
  expect(partKinds(recipe)).toEqual([
    'the context vectors',
    'the corpus mean',
    '5 ridge maps',
    'what followed the 32 and 256 most similar training windows',
    '6 filtered contexts',
  ]);
  const bare = { ...recipe, gram: { neighbours: 'off', filters: 'off', turned: 'on' } } as const;
  expect(recipeBrief(bare)).toBe('no neighbours, no filters · 12 ep · B 1024 · lr 5e-3');
  expect(partKinds(bare)).toEqual(['the context vectors', 'the corpus mean', '5 ridge maps']);
  const withRun = { ...bare, parts: ['run-1'] };
  expect(recipeBrief(withRun)).toBe('no neighbours, no filters, 1 earlier run · 12 ep · B 1024 · lr 5e-3');
  expect(partKinds(withRun).at(-1)).toBe('the predictions of 1 earlier run');
});
