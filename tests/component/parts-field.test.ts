/** Earlier runs as parts of a Gram mixture, in the New run form. */
import { beforeEach, expect, test } from 'vitest';
import PartsField from '../../src/renderer/features/new-run/PartsField.vue';
import { useDraftStore } from '../../src/renderer/stores/draft-store.ts';
import { best, run } from './support/fixtures.ts';
import { button, click, mountPage, texts } from './support/page.ts';
import { history } from './support/rpc.ts';

beforeEach(() => {
  history.runs = [
    run(1, { best: best(0.41) }),
    run(2, { best: best(0.42), recipe: { modelType: 'lstm' } }),
    run(3, { best: best(0.43), recipe: { seed: 8 } }),
    run(4, { status: 'running' }),
    run(5, { best: best(0.44), recipe: { modelType: 'gram' } }),
    run(6, { best: best(0.45), recipe: { dataset: 'other' } }),
    run(7, { imported: { path: '/amn.pt', format: 'pt' } as never }),
  ];
});

async function open(parts: readonly string[] = []) {
  await mountPage(PartsField);
  const draft = useDraftStore();
  draft.set('dataset', 'docs');
  draft.chooseModel('gram');
  draft.set('parts', parts);
  await expect.poll(() => trigger().textContent).toBe(parts.length === 0 ? 'None' : `${parts.length} run`);
  return draft;
}

const trigger = () => {
  const found = document.querySelector<HTMLButtonElement>('button[aria-label^="Earlier runs as parts"]');
  if (!found) throw new Error('There is no button of the earlier runs.');
  return found;
};
const boxes = () => [...document.querySelectorAll<HTMLInputElement>('[aria-label="Runs on this data set"] input')];
const note = () => document.getElementById(trigger().getAttribute('aria-describedby') ?? '')?.textContent?.trim() ?? '';

test('offers trained runs on the same data set; the fitting ones first, the others with the reason', async () => {
  await open();
  await click(trigger());
  expect(texts('[aria-label="Runs on this data set"] label')).toEqual([
    expect.stringMatching(/#2 night 2\s*0\.4200/),
    expect.stringMatching(/#1 night 1\s*0\.4100/),
    expect.stringMatching(/#4 night 4\s*it is running/),
    expect.stringMatching(/#3 night 3\s*its split is another/),
  ]);
  expect(boxes().map(({ disabled }) => disabled)).toEqual([false, false, true, true]);
});

test('a chosen run becomes a part of the recipe, is listed with its model, and can be taken out', async () => {
  const draft = await open();
  await click(trigger());
  await click(boxes()[0]);
  expect(draft.recipe?.parts).toEqual(['run-2']);
  expect(trigger().getAttribute('aria-label')).toBe('Earlier runs as parts: 1 run');
  expect(texts('.chosen li')).toEqual([expect.stringContaining('#2 night 2 · LSTM')]);
  await click(button('Take out #2 night 2 · LSTM'));
  expect(draft.recipe?.parts).toEqual([]);
});

test('says what a part costs and gains', async () => {
  await open();
  expect(note()).toMatch(/three times/);
});

test('reads the number of a run, as a pasted command line gives it', async () => {
  await open(['#1']);
  expect(texts('.chosen li')).toEqual([expect.stringContaining('#1 night 1 · AMN')]);
});

test('a recipe that names a deleted run says so and lets it be taken out', async () => {
  const draft = await open(['gone']);
  expect(note()).toBe('The run gone was deleted. Take it out, or train such a run again.');
  await click(button('Take out gone'));
  expect(draft.recipe?.parts).toEqual([]);
  expect(note()).toMatch(/three times/);
});

test('a run that no longer fits says what to change', async () => {
  const draft = await open(['run-1']);
  draft.setText('seed', '8');
  await expect.poll(() => note()).toMatch(/^#1 cannot be a part: its split is another.*share 0.1, seed 7\.$/);
  await click(trigger());
  expect(boxes().find(({ checked }) => checked)?.disabled).toBe(false);
});
