/** The table of runs: order, groups, selection, keys, dashes. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test, vi } from 'vitest';
import RunsTable from '../../src/renderer/features/runs/RunsTable.vue';
import { useTableStore } from '../../src/renderer/features/runs/table-store.ts';
import { best, run } from './support/fixtures.ts';
import { click, mountPage, texts, type Mounted } from './support/page.ts';
import { history } from './support/rpc.ts';

vi.mock('../../src/renderer/rpc.ts', () => import('./support/rpc.ts'));

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

test('labels a dash as not measured', () => {
  expect(row('run-3').textContent).toContain('Not measured');
  expect(row('run-3').textContent).not.toContain('0.0000');
});

test('puts runs under the heading of their group', async () => {
  table.grouping = 'model';
  await flushPromises();
  expect(texts('tr.group')).toEqual(['AMN 3', 'GRU stack 1']);
  expect(ids()).toEqual(['run-4', 'run-3', 'run-2', 'run-1']);
});

test('takes Δ against the one run that is selected', async () => {
  await click(row('run-2').querySelector('input') ?? document.body);
  expect(texts('thead th')).toContain('Δ #2');
  expect(row('run-4').textContent).toContain('−0.2000');
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
  await vi.waitFor(() => expect(mounted.router.currentRoute.value.params.id).toBe('run-3'));
});
