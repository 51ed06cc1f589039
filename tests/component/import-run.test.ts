/** The dialog that imports a run of another program. */
import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, test } from 'vitest';
import { chooseRunFile } from '../../src/renderer/stores/run-file.ts';
import ImportRunDialog from '../../src/renderer/features/runs/ImportRunDialog.vue';
import { toasts } from '../../src/renderer/ui/feedback/toasts.ts';
import { dataset } from './support/fixtures.ts';
import { button, click, field, fill, hasField, mountPage, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

beforeEach(async () => {
  history.datasets = [dataset('docs'), dataset('manual')];
  client.app.files.choose.mockResolvedValue({ path: '/models/amn.pt' });
  await mountPage(ImportRunDialog);
  await chooseRunFile();
  await flushPromises();
});

test('sends null for every field left empty, so that the file decides', async () => {
  client.runs.importRun.mockResolvedValue({ runId: 'run-7', notes: ['The file names no epoch.'] });
  await click(button('Import'));
  expect(client.runs.importRun).toHaveBeenCalledExactlyOnceWith({
    path: '/models/amn.pt',
    name: undefined,
    modelType: null,
    dataset: null,
    ood: null,
    contextLength: null,
    heads: null,
  });
  expect(texts('[role="dialog"]')).toEqual([]);
  expect(toasts.value.at(-1)).toMatchObject({ title: 'Imported amn.pt', detail: 'The file names no epoch.' });
});

test('sends the entered values, and heads only for a Transformer', async () => {
  client.runs.importRun.mockResolvedValue({ runId: 'run-7', notes: [] });
  await fill(field('Measure on'), 'docs');
  await fill(field('OOD set'), 'manual');
  await fill(field('Name'), ' baseline ');
  await fill(field('Context length'), '5');
  await fill(field('Heads'), '8');
  await fill(field('Model'), 'lstm');
  expect(hasField('Heads')).toBe(false);
  await click(button('Import'));
  expect(client.runs.importRun).toHaveBeenCalledExactlyOnceWith({
    path: '/models/amn.pt',
    name: 'baseline',
    modelType: 'lstm',
    dataset: 'docs',
    ood: 'manual',
    contextLength: 5,
    heads: null,
  });
});

test('the OOD set needs a set to measure on and must differ from it', async () => {
  const options = () => [...field<HTMLSelectElement>('OOD set').options].map(({ value }) => value);
  expect(field('OOD set').disabled).toBe(true);
  await fill(field('Measure on'), 'docs');
  await fill(field('OOD set'), 'manual');
  expect(options()).toEqual(['', 'manual']);
  await fill(field('Measure on'), 'manual');
  expect(field('OOD set').value).toBe('');
  expect(options()).toEqual(['', 'docs']);
});

test.each(['0', '-2', '1.5', 'five'])('refuses %s as a context length', async (text) => {
  await fill(field('Context length'), text);
  expect(texts('[role="alert"]')).toEqual(['Context length and heads are counts above 0, or empty.']);
  expect(button('Import').disabled).toBe(true);
});

test.each(['training_history.json', 'run-abc.wandb', 'events.out.tfevents.17.host'])(
  '%s has no weights: nothing to measure it with is asked or sent',
  async (name) => {
    await fill(field('Measure on'), 'docs');
    await fill(field('Context length'), 'five');
    client.app.files.choose.mockResolvedValue({ path: `/logs/${name}` });
    client.runs.importRun.mockResolvedValue({ runId: 'run-7', notes: [] });
    await chooseRunFile();
    await flushPromises();
    expect(['Measure on', 'OOD set', 'Context length', 'Heads'].filter((label) => hasField(label))).toEqual([]);
    await fill(field('Model'), 'gru');
    await click(button('Import'));
    expect(client.runs.importRun).toHaveBeenCalledExactlyOnceWith({
      path: `/logs/${name}`,
      name: undefined,
      modelType: 'gru',
      dataset: null,
      ood: null,
      contextLength: null,
      heads: null,
    });
  },
);

test('shows why a file was refused and stays open', async () => {
  client.runs.importRun.mockRejectedValue(new Error('amn.pt holds no weights.'));
  await click(button('Import'));
  const [dialog] = texts('[role="dialog"]');
  expect(dialog).toContain('amn.pt was not imported');
  expect(dialog).toContain('amn.pt holds no weights.');
  expect(button('Import').disabled).toBe(false);
});
