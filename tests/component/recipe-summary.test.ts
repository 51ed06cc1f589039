/** The recipe of a run beside what is known of an imported one. */
import { expect, test } from 'vitest';
import { defineComponent, h } from 'vue';
import type { RunSummary } from '#shared/contract/runs.ts';
import RecipeSummary from '../../src/renderer/features/run/figures/RecipeSummary.vue';
import { run } from './support/fixtures.ts';
import { mountPage, texts } from './support/page.ts';

const IMPORTED: RunSummary['imported'] = {
  file: 'training_history.json',
  format: 'json',
  sha256: 'a'.repeat(64),
  at: 0,
  stated: { epoch: null, valCosine: null },
  golden: null,
  measured: null,
};

async function shown(summary: RunSummary): Promise<string> {
  await mountPage(
    defineComponent({ setup: () => () => h(RecipeSummary, { run: summary, commandLine: 'nextvec train' }) }),
  );
  return texts('dt, dd, p, code').join('\n');
}

test('a run has its batch size, learning rate and seed, and its command line', async () => {
  const text = await shown(run(1));
  for (const part of ['Batch size', 'Learning rate', 'Seed', 'Schedule', 'nextvec train']) expect(text).toContain(part);
});

test('an imported run shows no default as if its file had stated it, and no command line without data', async () => {
  const text = await shown(run(2, { imported: IMPORTED, task: null }));
  for (const part of ['Batch size', 'Learning rate', 'Seed', 'Schedule', 'nextvec train'])
    expect(text).not.toContain(part);
  expect(text).toContain('What training_history.json does not state is not shown.');
});
