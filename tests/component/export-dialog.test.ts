/** The export dialog of a data set: what is asked of main, and what its answer shows. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import type { Dataset } from '#shared/contract/datasets.ts';
import ExportDialog from '../../src/renderer/features/datasets/ExportDialog.vue';
import { toasts } from '../../src/renderer/ui/feedback/toasts.ts';
import { button, click, field, fill, hasField, mountPage } from './support/page.ts';
import { client } from './support/rpc.ts';

const passport = { kind: 'chunks', history: null, texts: { texts: 9 } } as unknown as Dataset['passport'];
const DATASET = { id: 'set', name: 'docs', passport } as Dataset;
const done = {
  type: 'done',
  fileName: 'docs.npz',
  path: '/x/docs.npz',
  rows: 12,
  bytes: 3000,
  importFlags: '--stride 2',
};
const exported = client.datasets.export;
beforeEach(() => {
  exported.mockResolvedValue([done]);
});

test('exports what was chosen and says where it is', async () => {
  await mountPage(ExportDialog, { dataset: DATASET, open: true });
  await fill(field('Format'), 'npz');
  await fill(field('Side of each row'), 'default');
  await fill(field('Rows'), 'windows');
  await click(button('Export'));
  await flushPromises();
  const input = { id: 'set', format: 'npz', windows: true, texts: false, split: 'default' };
  expect(exported.mock.calls).toMatchObject([[input, {}]]);
  const words = '12 rows, 3.00 kB: /x/docs.npz. Import it with --stride 2 for the same windows.';
  expect(toasts.value.at(-1)).toMatchObject({ title: 'Exported docs.npz', detail: words });
});

test('texts and windows are offered only where a set has them; an error is shown', async () => {
  exported.mockRejectedValue(new Error('The disk is full.'));
  const windows = { ...DATASET, passport: { ...passport, kind: 'windows', texts: null } as Dataset['passport'] };
  await mountPage(ExportDialog, { dataset: windows, open: true });
  expect(['Rows', 'With the texts'].map(hasField)).toEqual([false, false]);
  await click(button('Export'));
  await flushPromises();
  expect(document.body.textContent).toContain('The data set was not exported');
  expect(button('Export').disabled).toBe(false);
});
