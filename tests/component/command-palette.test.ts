/** The command palette: what can be done with a run is found by words and the run's number. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test, vi } from 'vitest';
import CommandPalette from '../../src/renderer/shell/CommandPalette.vue';
import { usePinnedRun } from '../../src/renderer/stores/pinned-run.ts';
import { best, run } from './support/fixtures.ts';
import { click, fill, field, mountDialog, texts, type Mounted } from './support/page.ts';
import { client, history } from './support/rpc.ts';

vi.mock('virtual:help', () => ({
  pages: [{ name: 'manual', title: 'Manual', sections: [{ id: 'a', title: 'Export' }] }],
}));

let mounted: Mounted;
beforeEach(async () => {
  history.runs = [run(1, { best: best(0.4) }), run(2, { best: best(0.5) }), run(3, { status: 'interrupted' })];
  mounted = await mountDialog(CommandPalette, { commands: [] });
});

/** Titles of what is found for these words. */
async function find(words: string): Promise<string[]> {
  await fill(field('Search commands, runs, data sets, help'), words);
  return texts('[role=option] > .truncate');
}
const first = () => document.querySelector<HTMLElement>('[role=option]') ?? document.body;
const route = () => mounted.router.currentRoute.value;

test('lists runs at first, their commands and Help by words', async () => {
  expect(texts('[role=option] > .truncate')).toEqual(['#3 night 3', '#2 night 2', '#1 night 1']);
  expect(await find('#3')).toEqual(['#3 night 3', 'New run like #3', 'Copy command line of #3', 'Resume #3']);
  expect(await find('export')).toEqual(['Export weights of #2', 'Export weights of #1', 'Export']);
});

test('compares with the pinned run, which is no command without one', async () => {
  expect(await find('compare')).toEqual([]);
  client.evaluation.compareRuns.mockResolvedValue({ metrics: [] });
  usePinnedRun().toggle('run-1');
  await flushPromises();
  expect(await find('compare')).toEqual(['Compare #3 with the baseline #1', 'Compare #2 with the baseline #1']);
  expect(await find('pin #1')).toEqual(['Unpin the baseline #1']);
});

test.each([
  ['new run like #2', 'new-run', { like: 'run-2' }],
  ['worst windows #2', 'evaluation', { look: 'worst' }],
  ['predict #2', 'predict', { run: 'run-2' }],
  ['report #2', 'reports', { run: 'run-2' }],
])('"%s" opens its page', async (words, name, query) => {
  expect(await find(words)).toHaveLength(1);
  await click(first());
  await expect.poll(() => route().name).toBe(name);
  expect(route().query).toEqual(query);
});

test('resumes an interrupted run', async () => {
  client.runs.resume.mockResolvedValue(undefined);
  await find('resume #3');
  await click(first());
  expect(client.runs.resume.mock.calls).toEqual([[{ runId: 'run-3' }]]);
});

test('exports weights', async () => {
  client.runs.export.mockResolvedValue({ path: '/home/test/a.safetensors', text: null, fileName: 'a.safetensors' });
  await find('export #2');
  await click(first());
  expect(client.runs.export.mock.calls).toEqual([[{ runId: 'run-2', format: 'safetensors' }]]);
});

test('shows matches of whole words first', async () => {
  mounted.wrapper.unmount();
  history.runs = [run(2), run(12), run(20)];
  mounted = await mountDialog(CommandPalette, { commands: [] });
  expect(await find('like 2')).toEqual(['New run like #2', 'New run like #20', 'New run like #12']);
});
