/** Notes of a run: rendered Markdown, a field while they are written. */
import { flushPromises } from '@vue/test-utils';
import { expect, test } from 'vitest';
import RunAnnotations from '../../src/renderer/features/run/RunAnnotations.vue';
import { run } from './support/fixtures.ts';
import { button, click, mountPage, texts } from './support/page.ts';
import { client } from './support/rpc.ts';

const field = () => document.querySelector('textarea');

async function dispatch(event: Event): Promise<void> {
  field()?.dispatchEvent(event);
  await flushPromises();
}

test('notes are rendered, and written as Markdown after Edit; Esc ends it and saves them', async () => {
  client.runs.annotate.mockImplementation(async (change) => ({ ...run(1), ...(change as object) }));
  await mountPage(RunAnnotations, { run: run(1, { notes: 'lower **rate**' }) });
  await expect.poll(() => texts('.prose strong')).toEqual(['rate']);
  expect(field()).toBeNull();
  await click(button('Edit the notes'));
  expect(document.activeElement).toBe(field());
  expect(field()?.labels?.[0]?.textContent).toBe('Notes');
  field()?.setRangeText('*other*', 0, 'lower **rate**'.length);
  await dispatch(new Event('input', { bubbles: true }));
  await dispatch(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  expect(client.runs.annotate.mock.calls[0][0]).toEqual({ runId: 'run-1', notes: '*other*' });
  expect(document.activeElement).toBe(button('Edit the notes'));
  await expect.poll(() => texts('.prose em')).toEqual(['other']);
});

test('a run without notes shows the field at once', async () => {
  await mountPage(RunAnnotations, { run: run(1) });
  expect(field()?.placeholder).toContain('Markdown');
  field()?.focus();
  field()?.blur();
  await flushPromises();
  expect(field()).not.toBeNull();
});
