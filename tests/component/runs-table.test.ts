/** The table of runs: order, groups, selection, keys, dashes. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import RunsTable from '../../src/renderer/features/runs/RunsTable.vue';
import RunsSelectionBar from '../../src/renderer/features/runs/RunsSelectionBar.vue';
import { runsCsv } from '../../src/renderer/features/runs/runs-csv.ts';
import { usePinnedRun } from '../../src/renderer/stores/pinned-run.ts';
import { useTableStore } from '../../src/renderer/features/runs/table-store.ts';
import { best, run } from './support/fixtures.ts';
import { button, click, field, fill, mountPage, texts, type Mounted } from './support/page.ts';
import { client, history } from './support/rpc.ts';

let mounted: Mounted;
let table: ReturnType<typeof useTableStore>;

beforeEach(async () => {
  history.runs = [
    run(1, { best: best(0.4), recipe: { modelType: 'gru' } }),
    run(2, { best: best(0.5) }),
    run(3),
    run(4, { best: best(0.3) }),
  ];
  mounted = await mountPage(RunsTable);
  table = useTableStore();
});

const ids = () => [...document.querySelectorAll<HTMLElement>('[data-run]')].map((row) => row.dataset.run);
const row = (id: string) => document.querySelector<HTMLElement>(`[data-run="${id}"]`) ?? document.body;
const heading = (name: string) =>
  [...document.querySelectorAll<HTMLElement>('th')].find((th) => th.textContent.trim() === name) ?? document.body;

async function press(key: string, init: KeyboardEventInit = {}): Promise<void> {
  document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, ...init }));
  await flushPromises();
}

test('starts with the newest run', () => {
  expect(ids()).toEqual(['run-4', 'run-3', 'run-2', 'run-1']);
  expect(heading('Run').getAttribute('aria-sort')).toBe('descending');
});

test('sorts by a column, reverses on the second click, unmeasured values last', async () => {
  const button = heading('Valid.').querySelector('button') ?? document.body;
  await click(button);
  expect(ids()).toEqual(['run-2', 'run-1', 'run-4', 'run-3']);
  expect(heading('Valid.').getAttribute('aria-sort')).toBe('descending');
  await click(button);
  expect(ids()).toEqual(['run-4', 'run-1', 'run-2', 'run-3']);
  expect(heading('Run').hasAttribute('aria-sort')).toBe(false);
});

test('remembers columns, order and groups', async () => {
  table.toggleColumn('speed');
  table.sortBy('ood');
  table.grouping = 'model';
  await flushPromises();
  const stored = (name: string) => localStorage.getItem(`nextvec-runs-${name}`);
  expect(stored('columns')).not.toContain('speed');
  expect(stored('sort')).toBe('{"column":"ood","descending":true}');
  expect(stored('group')).toBe('model');
});

test('labels a dash as not measured', () => {
  expect(row('run-3').textContent).toContain('Not measured');
  expect(row('run-3').textContent).not.toContain('0.0000');
});

test('says on which cluster a run trains', async () => {
  mounted.wrapper.unmount();
  history.runs = [run(1, { status: 'running', on: 'ray://127.0.0.1:8265' })];
  await mountPage(RunsTable);
  expect(row('run-1').querySelector('[title*="trains on ray://127.0.0.1:8265"]')).not.toBeNull();
});

test('puts runs under the heading of their group', async () => {
  table.grouping = 'model';
  await flushPromises();
  expect(texts('tr.group')).toEqual(['AMN 3 validation 0.4000 ± 0.1414', 'GRU stack 1 validation 0.4000']);
  expect(ids()).toEqual(['run-4', 'run-3', 'run-2', 'run-1']);
});

test('takes Δ against the one run that is selected', async () => {
  await click(row('run-2').querySelector('input') ?? document.body);
  expect(texts('thead th')).toContain('Δ #2');
  expect(row('run-4').textContent).toContain('−0.2000');
});

test('groups the runs of a sweep by the plan among their tags', async () => {
  mounted.wrapper.unmount();
  history.runs = [run(1, { tags: ['plan 3', 'sweep'] }), run(2, { tags: ['plan 3'] })];
  await mountPage(RunsTable);
  useTableStore().grouping = 'sweep';
  await flushPromises();
  expect(texts('tr.group')).toEqual(['No sweep 1', 'Sweep of plan 3 1']);
});

test('takes Δ against the pinned run, grey where the interval holds 0', async () => {
  const intervals = [null, { low: -0.02, high: 0.03 }, { low: -0.3, high: -0.1 }];
  client.evaluation.compareRuns.mockResolvedValue({ metrics: [{ metric: 'valCosine', intervals }] });
  usePinnedRun().toggle('run-1');
  await flushPromises();
  expect(client.evaluation.compareRuns.mock.calls[0][0]).toEqual({ runIds: ['run-1', 'run-4', 'run-2'] });
  expect(texts('thead th')).toContain('Δ #1');
  const delta = (id: string) => [...row(id).querySelectorAll('td')].find((td) => /^[+−]/.test(td.textContent.trim()));
  expect(delta('run-4')?.textContent).toContain('−0.1000');
  expect(delta('run-4')?.title).toContain('not distinguishable');
  expect(delta('run-4')?.classList.contains('bad')).toBe(false);
  expect(delta('run-2')?.classList.contains('good')).toBe(true);
  expect(row('run-1').querySelector('[aria-label="Baseline"]')).not.toBeNull();
});

test('tags every selected run, and exports the selection as CSV', async () => {
  await mountPage(RunsSelectionBar);
  table = useTableStore();
  table.select(['run-2', 'run-3']);
  await flushPromises();
  client.runs.annotate.mockResolvedValue(undefined);
  await click(button('Tag…'));
  await fill(field('Tag'), 'night');
  await click(button('Add'));
  expect(client.runs.annotate.mock.calls).toEqual([
    [{ runId: 'run-3', tags: ['night'] }],
    [{ runId: 'run-2', tags: ['night'] }],
  ]);
  const [head, third, second] = runsCsv(table.selection)
    .split('\n')
    .map((line) => line.split(','));
  expect(head.slice(0, 3)).toEqual(['number', 'id', 'name']);
  const at = head.indexOf('validation_cosine');
  expect([third[at], second[at]]).toEqual(['', '0.5']);
});

test('C compares the selected runs, T opens their tag field; neither in a text field', async () => {
  mounted = await mountPage(RunsSelectionBar);
  table = useTableStore();
  table.select(['run-2', 'run-3']);
  await flushPromises();
  const key = (name: string, from: EventTarget = document.body) =>
    from.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
  key('t');
  await flushPromises();
  key('c', field('Tag'));
  expect(mounted.router.currentRoute.value.name).toBeUndefined();
  key('c');
  await expect.poll(() => mounted.router.currentRoute.value.name).toBe('compare');
  expect(mounted.router.currentRoute.value.query).toEqual({ runs: 'run-3,run-2' });
});

test('keeps tags apart in the CSV, also those with spaces', () => {
  const [, line] = runsCsv([run(1, { tags: ['plan 3', 'sweep'] })]).split('\n');
  expect(line).toMatch(/,plan 3; sweep$/);
});

test('has one row in the tab order, and arrow keys move the focus', async () => {
  const stops = () => ids().filter((id) => row(id ?? '').tabIndex === 0);
  expect(stops()).toEqual(['run-4']);
  row('run-4').focus();
  await press('ArrowDown');
  expect(document.activeElement).toBe(row('run-3'));
  await press('End');
  expect(document.activeElement).toBe(row('run-1'));
  expect(stops()).toEqual(['run-1']);
});

test('selects with the space bar, extends with Shift, clears with Escape', async () => {
  row('run-4').focus();
  await press(' ');
  await press('ArrowDown', { shiftKey: true });
  expect([...table.selected]).toEqual(['run-4', 'run-3']);
  expect(row('run-3').getAttribute('aria-selected')).toBe('true');
  await press('Escape');
  expect([...table.selected]).toEqual([]);
});

test('opens a run on click and selects it on Ctrl+click', async () => {
  row('run-2').dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
  await flushPromises();
  expect([...table.selected]).toEqual(['run-2']);
  await click(row('run-3'));
  await expect.poll(() => mounted.router.currentRoute.value.params.id).toBe('run-3');
});
