/** Compare: what it shows without a choice, and choosing runs. */
import { beforeEach, expect, test } from 'vitest';
import { flushPromises } from '@vue/test-utils';
import ComparePage from '../../src/renderer/features/compare/ComparePage.vue';
import CrossTestPage from '../../src/renderer/features/cross-test/CrossTestPage.vue';
import { best, dataset, run } from './support/fixtures.ts';
import { button, click, field, mountPage, texts, type Mounted } from './support/page.ts';
import { client, history } from './support/rpc.ts';
import { epochRecord } from '../support/epoch-record.ts';

const chosen = ({ router }: Mounted) => router.currentRoute.value.query;
const boxes = () => [...document.querySelectorAll<HTMLInputElement>('[aria-label="Runs to compare"] input')];

beforeEach(() => {
  history.datasets = [dataset('docs'), dataset('novel')];
  history.runs = [
    run(1, { best: best(0.3) }),
    run(2, { best: best(0.4) }),
    run(3, { best: best(0.5), recipe: { dataset: 'novel' } }),
    run(4, { best: best(0.6) }),
    run(5),
  ];
});

test('opens with the newest run that has a result and the one before it on the same data, then with the last choice', async () => {
  const mounted = await mountPage(ComparePage, {}, '/compare');
  expect(chosen(mounted)).toEqual({ runs: 'run-2,run-4' });
  await mounted.router.push('/compare?runs=run-1,run-3');
  await flushPromises();
  await mounted.router.push('/compare');
  await flushPromises();
  expect(chosen(mounted)).toEqual({ runs: 'run-1,run-3' });
});

test('waits for its button, so that three runs can be chosen', async () => {
  history.runs = [run(1), run(2), run(3)];
  const mounted = await mountPage(ComparePage, {}, '/compare');
  expect(button('Compare').disabled).toBe(true);
  for (const box of boxes()) await click(box);
  expect(texts('h2')).toContain('Choose two or more runs');
  await click(button('Compare 3 runs'));
  expect(chosen(mounted)).toEqual({ runs: 'run-3,run-2,run-1' });
});

test('Cross-test opens with the newest runs on the data of the newest', async () => {
  history.runs = history.runs.map((one) =>
    one.number === 4 ? { ...one, recipe: { ...one.recipe, ood: 'novel' } } : one,
  );
  const mounted = await mountPage(CrossTestPage, {}, '/cross-test');
  expect(chosen(mounted)).toEqual({ runs: 'run-4,run-2,run-1', sets: 'docs,novel' });
  expect(button('Test 6 cells').disabled).toBe(false);
});

function giveDetails(detailOf: (runId: string) => object): void {
  client.runs.get.mockImplementation(async (input) => {
    const { runId } = input as { runId: string };
    const found = history.runs.find(({ id }) => id === runId);
    return { run: found, epochs: [], epochsStatedBy: null, gates: [], log: [], commandLine: '', ...detailOf(runId) };
  });
  const nothing = { verdicts: [], metrics: [], recipeDiff: [], dataDiff: [], codeDiff: [] };
  client.evaluation.compareRuns.mockResolvedValue({ runs: [], ...nothing });
  client.runs.series.mockResolvedValue({ stepsPerPoint: 1, step: new Float64Array(0), min: {}, max: {}, mean: {} });
}

async function showTable(chart: string): Promise<void> {
  await click(button(`Menu of ${chart}`));
  await click(document.querySelector<HTMLElement>('[role="menuitemcheckbox"]')!);
}

test('curves by elapsed time, which is remembered', async () => {
  const epochs = [1, 2].map((epoch) => ({ ...epochRecord(epoch), durationMs: 60_000 * epoch }));
  giveDetails((runId) => {
    const found = history.runs.find(({ id }) => id === runId);
    return { run: { ...found, step: 20, durationMs: 180_000 }, epochs };
  });
  await mountPage(ComparePage, {}, '/compare?runs=run-1,run-2');
  await click(field('Time'));
  await showTable('Validation cosine');
  expect(texts('thead th')).toContain('Time');
  expect(texts('tbody th')).toContain('3.00 min');
  expect(localStorage.getItem('nextvec-compare-unit')).toBe('time');
});

test.each([
  ['Validation cosine', '0.3000'],
  ['Total loss', '0.1'],
])('%s of an imported history is called stated', async (chart, last) => {
  const epochs = [1, 2, 3].map((epoch) => ({ ...epochRecord(epoch), step: 0, valCosine: epoch / 10 }));
  giveDetails((runId) => (runId === 'run-5' ? { epochs, epochsStatedBy: 'training_history.json' } : {}));
  await mountPage(ComparePage, {}, '/compare?runs=run-1,run-5');
  await showTable(chart);
  expect(texts('thead th').filter((heading) => heading.endsWith('(stated)'))).toHaveLength(1);
  expect(texts('tbody td')).toContain(last);
});

test('calls nothing identical of which a part is not known', async () => {
  giveDetails(() => ({}));
  const nothing = { verdicts: [], metrics: [], recipeDiff: [], dataDiff: [], codeDiff: [] };
  client.evaluation.compareRuns.mockResolvedValue({ runs: [], ...nothing, isPartial: true });
  await mountPage(ComparePage, {}, '/compare?runs=run-1,run-5');
  expect(texts('.same')).toEqual(Array(3).fill('What is known is the same.'));
});

test('a pinned chart comes first, also at the next comparison', async () => {
  giveDetails(() => ({}));
  const { router } = await mountPage(ComparePage, {}, '/compare?runs=run-1,run-2');
  await click(button('Pin Total loss'));
  await router.push('/compare?runs=run-2,run-4');
  await flushPromises();
  expect(texts('figure h3')).toEqual(['Total loss', 'Validation cosine', 'OOD cosine']);
});

test('the gradient share of a term is shown where one of the runs trains on it', async () => {
  history.runs.push(run(6, { recipe: { lambda: { info_nce: 0.5 } } }));
  giveDetails(() => ({}));
  const { router } = await mountPage(ComparePage, {}, '/compare?runs=run-1,run-2');
  expect(texts('figure h3')).toEqual(['Validation cosine', 'OOD cosine', 'Total loss']);
  await router.push('/compare?runs=run-1,run-6');
  await flushPromises();
  expect(texts('figure h3')).toContain('InfoNCE, gradient share');
});
